import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildPackage } from '../../setup/build-package.ts';
import { picture } from '../data/image-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
/** What installs without being asked for would be of no use to who only serves. */
const LEFT_OUT = ['@tensorflow/tfjs-node-gpu', 'onnxruntime-web', 'vite', 'typescript', 'playwright-core'];

interface Manifest {
  exports: Record<string, string | Record<string, string>>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
}

/** The page and the types take long: test:slow has them. */
describe('the package, unpacked beside its dependencies', () => {
  let folder: string;
  let home: string;
  let manifest: Manifest;

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'package-')));
    home = join(folder, 'node_modules/onnx-classifier');
    await buildPackage(join(home, 'dist'), { page: false, types: false });
    for (const name of ['package.json', 'onnx-classifier.js', 'README.md', 'LICENSE']) {
      await cp(join(PROJECT, name), join(home, name));
    }
    manifest = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as Manifest;
    for (const name of Object.keys(manifest.dependencies)) {
      const link = join(folder, 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(PROJECT, 'node_modules', name), link, 'junction');
    }
    await writeFile(join(folder, 'green.png'), await picture(1, 40, 40, [30, 200, 30]).png().toBuffer());
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('packs what it runs, and no source, test or data', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: home });
    const [{ files, size }] = JSON.parse(stdout) as [{ files: { path: string }[]; size: number }];
    const paths = files.map(({ path }) => path);
    const outside = paths.filter((path) => !path.startsWith('dist/')).sort();
    assert.deepEqual(outside, ['LICENSE', 'README.md', 'onnx-classifier.js', 'package.json']);
    for (const path of [
      ...['serve/serve.cli.js', 'train/loader/worker.js', 'index.js', 'web.js', 'train.js', 'serve.js'],
      ...[
        'models/efficientnet-lite0-cifar100.onnx',
        'models/efficientnet-lite0-cifar100.LICENSE.txt',
        'core/data/imagenet/labels.txt',
      ],
    ]) {
      assert.ok(paths.includes(`dist/${path}`), path);
    }
    assert.deepEqual(
      paths.filter((path) => /(?<!\.d)\.ts$|\.test\.|^dist\/(bench|test)\//.test(path)),
      [],
    );
    // The page adds 11 MB of WebAssembly.
    assert.ok(size < 7e6, `${size} bytes`);
  });

  it('has the files that it exports, and neither TensorFlow nor page among what it needs', () => {
    const targets = Object.values(manifest.exports).flatMap((to) =>
      typeof to === 'string' ? to : to.default!,
    );
    assert.equal(targets.length, 5);
    for (const target of targets) assert.ok(existsSync(join(home, target)), target);
    for (const name of LEFT_OUT) {
      assert.ok(!(name in manifest.dependencies), name);
      assert.ok(name in manifest.devDependencies, `a checkout has ${name}`);
    }
    for (const [name, version] of Object.entries(manifest.peerDependencies)) {
      assert.equal(version, manifest.devDependencies[name]);
      assert.equal(manifest.peerDependenciesMeta[name]?.optional, true, name);
    }
  });

  it('calls commands as they are called there', async () => {
    const { stdout } = await start('--help');
    assert.match(stdout, /^Usage: onnx-classifier COMMAND \[options\]$/m);
    assert.match(stdout, /^ {2}train +\S/m);
    assert.doesNotMatch(stdout, /^ {2}(bench|soak) /m);
    assert.match((await start('export', '--help')).stdout, /^Usage: onnx-classifier export \[options\]$/m);
    await assert.rejects(start('soak'), /error: no command "soak"; there are data, /);
    await assert.rejects(start('train', '--epochen', '3'), /error: there is no option --epochen; .*--epochs/);
    const scripts = (await readdir(join(home, 'dist'), { recursive: true })).filter((file) =>
      /\.js$/.test(file),
    );
    for (const file of scripts) {
      const text = await readFile(join(home, 'dist', file), 'utf8');
      assert.doesNotMatch(text.replace(/^ *(\/\/|\/?\*).*$/gm, ''), /npm run /, file);
    }
  });

  it('completes commands, options and their choices in bash', {
    skip: process.platform === 'win32' ? 'bash is not on Windows' : false,
  }, async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await symlink(join(home, 'onnx-classifier.js'), join(bin, 'onnx-classifier'));
    // As npm does that installs it.
    await chmod(join(home, 'onnx-classifier.js'), 0o755);
    const ask = `eval "$(onnx-classifier completion)"
      for COMP_LINE in "$@"; do
        COMP_POINT=\${#COMP_LINE} COMPREPLY=()
        _onnx_classifier onnx-classifier
        echo "\${COMPREPLY[*]}"
      done`;
    const lines = ['tr', 'setup:o', 'train --sched', 'train --schedule m', 'train --data ', 'none --'];
    const { stdout } = await run(
      'bash',
      ['-c', ask, 'bash', ...lines.map((line) => `onnx-classifier ${line}`)],
      {
        cwd: folder,
        env: { ...process.env, PATH: [bin, dirname(process.execPath), process.env.PATH].join(delimiter) },
      },
    );
    assert.deepEqual(stdout.split('\n'), ['train', 'openvino', '--schedule', 'multistep', '', '', '']);
  });

  it('leaves onnxruntime-web to the page that uses it, which knows where its WebAssembly is', async () => {
    const chunks = (await readdir(join(home, 'dist/web'))).map((name) => join(home, 'dist/web', name));
    const texts = await Promise.all(chunks.map((path) => readFile(path, 'utf8')));
    assert.ok(texts.some((text) => text.includes('from "onnxruntime-web/wasm"')));
    assert.ok(texts.every((text) => !text.includes('ort-wasm-simd-threaded')));
  });

  it('finds its model, its threads and its types of images from any folder', async () => {
    await mkdir(join(folder, 'exports'));
    await cp(join(home, 'dist/models/efficientnet-lite0-cifar100.onnx'), join(folder, 'exports/mine.onnx'));
    const { stdout } = await start('predict', 'green.png', '--json', '--model', 'mine');
    const [best] = (JSON.parse(stdout) as { predictions: { index: number; label: string }[] }).predictions;
    await writeFile(
      join(folder, 'user.mjs'),
      `import { Classifier } from 'onnx-classifier/serve';
       import { UserError } from 'onnx-classifier';
       const classifier = await Classifier.open();
       const [best] = await classifier.classify('green.png');
       await classifier.close();
       await Classifier.open('nothing').catch((error) => console.log(error instanceof UserError));
       console.log(JSON.stringify(best));`,
    );
    const said = await run(process.execPath, ['user.mjs'], { cwd: folder });
    const [isUserError, answer] = said.stdout.split('\n');
    assert.equal(isUserError, 'true');
    assert.equal((JSON.parse(answer!) as typeof best)!.label, best!.label);
  });

  function start(...args: string[]) {
    return run(process.execPath, [join(home, 'onnx-classifier.js'), ...args], { cwd: folder });
  }
});
