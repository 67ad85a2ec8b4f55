import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { CLASS_COLORS, picture, writeTree } from '../data/image-folder.ts';
import { enterTemporaryFolder } from './temporary-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

const FACE = await readFile(`${PROJECT}index.ts`, 'utf8');

/** The code of the docstrings, in the order of the file. */
const EXAMPLES = [...FACE.matchAll(/^ *\* @example\n((?: *\* .*\n)+?) *\*\//gm)].map(([, lines]) =>
  lines!.replace(/^ *\* /gm, ''),
);

/** All in one program, as a file of a user's. */
const PROGRAM = [
  `import { adaptModel, addOperator, Classifier, convertWeights, evaluate, exportModel, loadDataset, quantize, startServer, train } from '${PROJECT}index.ts';`,
  ...EXAMPLES.map((code, i) => `console.log('#${i}');\n{\n${code}}`),
].join('\n');

describe('the examples in the docstrings of index.ts', () => {
  let leave: () => Promise<void>;
  /** In the project, whose packages the program finds there. */
  let cache: string;
  before(async () => {
    leave = await enterTemporaryFolder();
    for (const [label, [name, color]] of Object.entries(CLASS_COLORS).entries()) {
      for (let i = 0; i < 8; i++) {
        await writeTree('.', { [`photos/${name}/0${i}.png`]: picture(100 * label + i, 40, 36, color).png() });
      }
    }
    await writeTree('.', { 'picture.png': picture(7, 50, 50, [30, 30, 220]).png() });
    await cp(`${PROJECT}models`, 'models', { recursive: true });
    await mkdir(`${PROJECT}node_modules/.cache`, { recursive: true });
    cache = await mkdtemp(`${PROJECT}node_modules/.cache/docstrings-`);
    await writeFile(`${cache}/examples.ts`, PROGRAM);
    await writeFile(`${cache}/package.json`, '{ "type": "module" }');
  });
  after(async () => {
    await rm(cache, { recursive: true, force: true });
    await leave();
  });

  it('are there for every function and method', () => {
    const [face] = FACE.split('/** Runs so many tasks at a time');
    const faces = face!.match(
      /^export (?:async )?(?:function|class) \w+|^ {2}(?:static )?async \*?(?!#)\w+/gm,
    )!;
    const undocumented = faces.filter((name) => {
      const documentation = FACE.slice(0, FACE.indexOf(name)).trimEnd();
      return !/@example\n(?: *\* .*\n)+ *\*\/$/.test(documentation);
    });
    assert.ok(faces.length >= 12, faces.join('\n'));
    assert.deepEqual(undocumented, []);
  });

  it('have right types', async () => {
    const tsconfig = {
      extends: `${PROJECT}tsconfig.json`,
      include: ['examples.ts'],
      exclude: [],
    };
    await writeFile(`${cache}/tsconfig.json`, JSON.stringify(tsconfig));
    const tsc = [`${PROJECT}node_modules/typescript/bin/tsc`, '--project', cache, '--singleThreaded'];
    const { stdout } = await run(process.execPath, tsc).catch((error: { stdout: string }) => error);
    assert.equal(stdout, '');
  });

  it('run', async () => {
    // Bundled, as the commands are: under tsx each thread would transpile all it needs.
    const { bundle } = await import(pathToFileURL(`${PROJECT}onnx-classifier.js`).href);
    await bundle(`${cache}/built`, [relative(PROJECT, `${cache}/examples.ts`)]);
    const built = join(cache, 'built', relative(PROJECT, cache), 'examples.js');
    const { stdout, stderr } = await run(process.execPath, [built]);
    assert.equal(stderr, '');
    const said = stdout.split(/^#\d+\n/m).slice(1);
    assert.equal(said.length, EXAMPLES.length);
    const all = said.join('');
    assert.match(all, /^\[ 'blue', 'green', 'red' \] 18 6$/m);
    assert.match(all, /^runs\/photos [01]/m);
    assert.match(all, /^exports\/photos\.onnx \d+$/m);
    assert.match(all, /^exports\/half\.onnx 100 \[\]$/m);
    assert.match(all, /^exports\/photos-int8\.onnx \d+ of \d+$/m);
    assert.match(all, /^\[ 'resnet14t@1' \] true$/m);
    for (const [i, text] of said.entries()) assert.notEqual(text, '', EXAMPLES[i]);
  });
});
