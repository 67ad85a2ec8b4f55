import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** In the order in which data flows (docs/architecture.md). */
const STAGES = ['core', 'train', 'export', 'serve', 'web-demo'];
/** Folders beside the stages that are of one; recipes are the settings of trainings, with no code of their own. */
const PART_OF: Readonly<Record<string, string>> = { recipes: 'train' };
/** All that is no test and no bench. */
const PRODUCT = [...STAGES, 'recipes', 'setup'];

/** Modules of the project that a file names: imports of any kind, and the files that threads start from. */
function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(/['"](\.{1,2}\/[^'"\s]+\.ts)['"]/g)].map(([, path]) =>
    posix.join(file, '..', path!),
  );
}

/** Those that are loaded with a file, types among them; not what is loaded when it is first needed, nor a thread's. */
function staticImportsOf(file: string, text: string): string[] {
  const statements = /^(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"](\.{1,2}\/[^'"\s]+\.ts)['"]/gm;
  return [...text.matchAll(statements)].map(([, path]) => posix.join(file, '..', path!));
}

function importsOfLaterStages(file: string, imports: readonly string[], stage: string): string[] {
  const allowed = STAGES.slice(0, STAGES.indexOf(stage) + 1);
  const folders = imports.map((path) => path.split('/')[0]!);
  return folders
    .filter((folder) => !allowed.includes(PART_OF[folder] ?? folder))
    .map((folder) => `${file} imports of ${folder}/`);
}

/** The shortest way from each file back to itself, each circle once. */
function circlesIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const circles = new Map<string, string>();
  for (const start of imports.keys()) {
    const from = new Map<string, string>();
    const open = [start];
    for (let file = open.shift(); file !== undefined && !from.has(start); file = open.shift()) {
      for (const next of imports.get(file) ?? []) {
        if (from.has(next)) continue;
        from.set(next, file);
        open.push(next);
      }
    }
    if (!from.has(start)) continue;
    const way = [start];
    for (let at = from.get(start)!; at !== start; at = from.get(at)!) way.unshift(at);
    circles.set([...way].sort().join(), way.join(' -> '));
  }
  return [...circles.values()];
}

async function sourcesOf(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(join(PROJECT, folder), { recursive: true }))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((name) => name.endsWith('.ts') && !/(^|\/)(node_modules|dist)\//.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(PROJECT, name), 'utf8')));
  return new Map(names.map((name, i) => [name, texts[i]!]));
}

test('no stage imports a later one, nor what is around them', async () => {
  for (const stage of STAGES) {
    const sources = [...(await sourcesOf(stage))].map(([file, text]) => ({
      file,
      imports: importsOf(file, text),
    }));
    assert.ok(
      sources.some(({ imports }) => imports.some((path) => path.startsWith('core/'))),
      `${stage}: nothing was found`,
    );
    assert.deepEqual(
      sources.flatMap(({ file, imports }) => importsOfLaterStages(file, imports, stage)),
      [],
    );
  }
});

test('no file imports itself by way of others, be it for types', async () => {
  const sources = (await Promise.all(PRODUCT.map(sourcesOf))).flatMap((folder) => [...folder]);
  const imports = new Map(sources.map(([file, text]) => [file, staticImportsOf(file, text)]));
  assert.ok(imports.size > 300 && [...imports.values()].flat().length > 1000);
  assert.deepEqual(circlesIn(imports), []);
});

test('what runs in several threads loads none of the rules of training into each', async () => {
  const sources = new Map((await Promise.all(PRODUCT.map(sourcesOf))).flatMap((folder) => [...folder]));
  const threads = [...sources].filter(
    ([, text]) => /\bserveThread</.test(text) && !/function serveThread/.test(text),
  );
  assert.ok(threads.length >= 3, `${threads.map(([file]) => file)}`);
  for (const [thread] of threads) {
    const loaded = new Set([thread]);
    for (const file of loaded) {
      const values = (sources.get(file) ?? '').replace(/^(?:import|export) type\b[^;]*;/gm, '');
      for (const imported of staticImportsOf(file, values)) loaded.add(imported);
    }
    const rules = [...loaded].filter((file) => /^train\/(gradients|lowering)\//.test(file));
    assert.deepEqual(rules, [], thread);
  }
});

test('circles are found', () => {
  const imports = new Map([
    ['a', ['b', 'x']],
    ['b', ['c']],
    ['c', ['a', 'd']],
    ['d', ['x']],
    ['x', []],
    ['s', ['t']],
    ['t', ['s']],
  ]);
  assert.deepEqual(circlesIn(imports), ['a -> b -> c', 's -> t']);
  const text = [
    "import { a } from './a.ts';",
    "import type {\n  B,\n} from '../b.ts';",
    "import './c.ts';",
    "export { d } from './d.ts';",
    "const { e } = await import('./e.ts');",
    "new Worker(new URL('./f.ts', import.meta.url));",
    "import g from 'g';\nconst text = './h.ts';",
  ].join('\n');
  assert.deepEqual(staticImportsOf('x/y.ts', text), ['x/a.ts', 'b.ts', 'x/c.ts', 'x/d.ts']);
});

test('imports of every form are seen', () => {
  const text = [
    "import { a } from '../../core/a.ts';",
    "import type { B } from '../engine/b.ts';",
    "export { c } from '../../export/c.ts';",
    "const { d } = await import('../../serve/d.ts');",
    "new Worker(new URL('../../bench/e.ts', import.meta.url));",
    "import '../../test/f.ts';",
    "import { g } from 'g';",
  ];
  const file = 'train/step/x.ts';
  assert.deepEqual(
    importsOfLaterStages(file, importsOf(file, text.join('\n')), 'train'),
    ['export', 'serve', 'bench', 'test'].map((target) => `${file} imports of ${target}/`),
  );
});
