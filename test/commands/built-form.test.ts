import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import sharp from 'sharp';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const COMMAND_FILE = /^ {2}'?[a-z:-]+'?: \{\s*source: '([a-z0-9/.-]+\.ts)',/gm;
/** Too heavy to be loaded by a command that only says what it can do. */
const HEAVY = [
  'onnxruntime-node',
  'onnx-proto',
  'sharp',
  'express',
  'zod', // Not zod/mini, of which the build has the part that is used: 12 ms of user and system time, measured.
  'vite',
  '@tensorflow/tfjs-node-gpu',
];

let copy: string;
let cache: string;

before(async () => {
  copy = await mkdtemp(join(tmpdir(), 'built-form-'));
  const parts = ['core', 'train', 'recipes', 'export', 'serve', 'setup', 'web-demo', 'bench', 'models'];
  for (const part of parts) {
    await cp(join(PROJECT, part), join(copy, part), { recursive: true });
  }
  for (const file of ['package.json', 'tsconfig.json', 'onnx-classifier.js', 'quickstart.ts', 'index.ts']) {
    await cp(join(PROJECT, file), join(copy, file));
  }
  // Packages as they are, and a cache of its own.
  await mkdir(join(copy, 'node_modules'));
  for (const entry of await readdir(join(PROJECT, 'node_modules'))) {
    if (entry === '.cache') continue;
    await symlink(join(PROJECT, 'node_modules', entry), join(copy, 'node_modules', entry));
  }
  cache = join(copy, 'node_modules', '.cache', 'onnx-classifier');
});

after(() => rm(copy, { recursive: true, force: true }));

function start(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['onnx-classifier.js', ...args], { cwd: copy, encoding: 'utf8' });
}

async function newest(): Promise<string> {
  return (JSON.parse(await readFile(join(cache, 'newest.json'), 'utf8')) as { folder: string }).folder;
}

test('the built form says what the source says, and is built once', async () => {
  const built = start('runs', '--help');
  assert.equal(built.status, 0, built.stderr);
  const folder = await newest();
  const source = spawnSync(process.execPath, ['--import', 'tsx', 'train/runs/runs.cli.ts', '--help'], {
    cwd: copy,
    encoding: 'utf8',
  });
  assert.equal(built.stdout, source.stdout);
  assert.equal(start('runs', '--help').stdout, source.stdout);
  assert.equal(await newest(), folder);
});

test('exit code, arguments and the one line of an error are the command’s own', () => {
  const { status, stderr } = start('runs', '--root', 'no such folder', '--sort', 'colour');
  assert.equal(status, 1);
  assert.match(stderr, /^error: .*--sort.*\n$/);
});

test('what is looked for beside a source is found: the embedded model, threads', async () => {
  const server = spawn(process.execPath, ['onnx-classifier.js', 'serve', '--port', '0'], { cwd: copy });
  try {
    let text = '';
    for await (const chunk of server.stdout) {
      text += chunk;
      if (/http:\S+/.test(text)) break;
    }
    const url = /http:\/\/[\w.:]+/.exec(text)![0];
    const image = await sharp({ create: { width: 32, height: 32, channels: 3, background: 'green' } })
      .png()
      .toBuffer();
    const answer = await fetch(`${url}/predict`, {
      method: 'POST',
      body: image,
      headers: { 'content-type': 'image/png' },
    });
    assert.equal(answer.status, 200);
    assert.equal(((await answer.json()) as { predictions: unknown[] }).predictions.length, 5);
  } finally {
    server.kill();
    await once(server, 'exit');
  }
  for (const thread of [
    'serve/inference/worker.js',
    'train/loader/worker.js',
    'train/engine/providers/probe-child.js',
  ]) {
    assert.ok(existsSync(join(await newest(), thread)), thread);
  }
});

test('a changed source is built anew, beside the older build', async () => {
  const before = await newest();
  const source = join(copy, 'train', 'runs', 'runs.cli.ts');
  const text = await readFile(source, 'utf8');
  await writeFile(source, text.replace('Lists training runs;', 'Says something else;'));
  assert.match(start('runs', '--help').stdout, /^Says something else;/);
  assert.notEqual(await newest(), before);
  assert.ok((await readdir(before)).length > 0, 'a process may still run from it');
});

test('a source that does not build is said by tsx, and a mended one builds', async () => {
  const source = join(copy, 'train', 'runs', 'runs.cli.ts');
  const text = await readFile(source, 'utf8');
  await writeFile(source, `${text}\nconst = 1;\n`);
  const { status, stderr } = start('runs', '--help');
  assert.equal(status, 1);
  assert.match(stderr, /cli\.ts/);
  await writeFile(source, text);
  assert.equal(start('runs', '--help').status, 0);
});

test('where no build can be kept the sources are run', async () => {
  await rm(cache, { recursive: true });
  await writeFile(cache, 'not a folder');
  const { status, stdout, stderr } = start('runs', '--help');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /npm run runs/);
});

test('a command that there is not is refused in one line that lists all', () => {
  const { status, stderr } = start('tarin');
  assert.equal(status, 1);
  assert.match(stderr, /^error: no command "tarin"; there are data, train, .*\n$/);
  assert.equal(start('__proto__').status, 1);
});

test('each npm script starts a command that there is, and no command loads the heavy packages for its help', async () => {
  const launcher = await readFile(join(PROJECT, 'onnx-classifier.js'), 'utf8');
  const files = [...launcher.matchAll(COMMAND_FILE)].map(([, file]) => file!);
  assert.ok(files.length > 10);
  const { scripts } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const started = Object.values(scripts).flatMap(
    (line) => /^node onnx-classifier\.js (\S+)$/.exec(line)?.[1] ?? [],
  );
  assert.equal(started.length, files.length);
  const { metafile } = await build({
    absWorkingDir: PROJECT,
    entryPoints: files,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    write: false,
    outdir: 'out',
    metafile: true,
  });
  for (const file of files) {
    const [entry] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === file)!;
    const loaded = new Set([entry]);
    for (const output of loaded) {
      for (const { path, kind } of metafile.outputs[output]?.imports ?? []) {
        if (kind === 'import-statement') loaded.add(path);
      }
    }
    assert.deepEqual(
      HEAVY.filter((name) => loaded.has(name)),
      [],
      file,
    );
  }
});
