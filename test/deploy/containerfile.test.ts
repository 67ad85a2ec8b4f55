import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DockerfileParser, type From, type Instruction } from 'dockerfile-ast';
import { assertServeOptions } from './assert-serve-options.ts';
import { lintContainerfile, skipWithout } from './linters.ts';
import { readManifests } from './manifest-files.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const TEXT = await readFile(join(PROJECT, 'deploy', 'Containerfile'), 'utf8');
const FILE = DockerfileParser.parse(TEXT);
const INSTRUCTIONS: Instruction[] = FILE.getInstructions();

describe('hadolint', { skip: skipWithout('hadolint') }, () => {
  it('has nothing to say against the Containerfile', () => {
    assert.deepEqual(lintContainerfile(TEXT), []);
  });

  it('finds images and packages without a version, users by name, commands in a shell, and mistakes', () => {
    const faults: [string, RegExp][] = [
      [TEXT.replace('node:24-slim\n', 'node:latest\n'), /DL3007/],
      [TEXT.replace('node:24-slim\n', 'node\n'), /DL3006/],
      [TEXT.replace('npm ci', 'npm install express'), /DL3016/],
      [TEXT.replace('USER 1000:1000', 'RUN apt-get update && apt-get install -y curl'), /DL3008/],
      [TEXT.replace('USER 1000:1000', 'USER node'), /DL3066/],
      [TEXT.replace('CMD ["--models", "models"]', 'CMD --models models'), /DL3025/],
      [TEXT.replace('EXPOSE', 'PUBLISH'), /unexpected/],
    ];
    for (const [text, finding] of faults) {
      assert.notEqual(text, TEXT);
      assert.match(lintContainerfile(text).join('\n'), finding);
    }
  });
});

test('the image runs the server with options it has, as the user that the deployment names', async () => {
  assert.equal(last('STOPSIGNAL')[0], 'SIGTERM');
  const { securityContext } = (await readManifests()).get('deployment.yaml')!.spec.template.spec;
  assert.equal(last('USER')[0], `${securityContext.runAsUser}:${securityContext.runAsGroup}`);
  const entry = JSON.parse(last('ENTRYPOINT').join('')) as string[];
  assertServeOptions([
    ...entry.slice(entry.indexOf('serve/serve.cli.ts') + 1),
    ...(JSON.parse(last('CMD').join('')) as string[]),
  ]);
  assert.ok(last('ENV').includes('ORT_DISABLE_TELEMETRY=1'));
});

test('its Node knows how many cores a container may use', () => {
  const images = (FILE.getFROMs() as From[]).map((from) => from.getImage()!);
  assert.equal(new Set(images).size, 1, 'packages are installed for the image that runs them');
  const [, version] = /^node:(\d+)-slim$/.exec(images[0]!)!;
  assert.ok(Number(version) >= 22);
});

test('of onnxruntime the image has what runs in it, for this processor alone', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'containerfile-'));
  t.after(() => rm(folder, { recursive: true }));
  const bin = join(folder, 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6');
  for (const built of ['darwin/arm64', 'linux/arm64', 'linux/x64', 'win32/arm64', 'win32/x64']) {
    await mkdir(join(bin, built), { recursive: true });
    await writeFile(join(bin, built, 'onnxruntime_binding.node'), '');
  }
  const find = /find node_modules\/onnxruntime-node.*?\{\} \+/s.exec(TEXT)![0];
  const { status, stderr } = spawnSync('sh', ['-c', find], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  const left = (await readdir(bin, { recursive: true })).filter((path) => path.endsWith('.node'));
  assert.deepEqual(left, [join('linux', process.arch, 'onnxruntime_binding.node')]);
  // As the package has it: the folders that are told apart lie three deep.
  const real = join(PROJECT, 'node_modules', 'onnxruntime-node', 'bin');
  const builds = (await readdir(real, { recursive: true })).filter((path) =>
    path.endsWith('onnxruntime_binding.node'),
  );
  assert.ok(builds.length > 1);
  for (const build of builds) assert.equal(build.split('/').length, 4, build);
  await access(join(PROJECT, 'node_modules', 'protobufjs', 'cli'));
});

test('the image has what the server imports, and the context what the image copies', async () => {
  const copied = INSTRUCTIONS.filter((instruction) => instruction.getKeyword() === 'COPY')
    .flatMap((instruction) => instruction.getArguments().map((argument) => argument.getValue()))
    .filter((path) => !path.startsWith('/app/') && path !== './' && path !== 'node_modules');
  for (const path of copied) await access(join(PROJECT, path));
  const ignore = await readFile(join(PROJECT, 'deploy', 'Containerfile.dockerignore'), 'utf8');
  assert.deepEqual(
    ignore.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
    ['*', ...[...new Set(copied)].map((path) => `!${path}`)],
  );
  const manifest = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  assert.match(TEXT, /npm ci --omit=dev /);
  const left = Object.keys(manifest.devDependencies);
  // What the server tells that it cannot do where this is missing.
  const optional = new Set(['../export/export-model.ts']);
  // Every import of the server, and of what it imports, lies in a folder that is copied or a package that is kept.
  const seen = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    const short = path.slice(PROJECT.length);
    assert.ok(
      copied.some((folder) => short.startsWith(`${folder}/`)),
      `${short} is not copied`,
    );
    const text = await readFile(path, 'utf8');
    for (const name of left) assert.ok(!text.includes(`'${name}`), `${short} wants ${name}`);
    for (const [, target] of text.matchAll(/(?:from |import\(|new URL\()'(\.{1,2}\/[^']+\.ts)'/g)) {
      if (optional.delete(target!)) continue;
      await visit(join(path, '..', target!));
    }
  };
  await visit(join(PROJECT, 'serve', 'serve.cli.ts'));
  assert.ok(seen.size > 60);
  assert.equal(optional.size, 0);
});

/** The arguments of the last instruction of a kind, which is the one that counts. */
function last(keyword: string): string[] {
  return INSTRUCTIONS.filter((instruction) => instruction.getKeyword() === keyword)
    .at(-1)!
    .getArguments()
    .map((argument) => argument.getValue());
}
