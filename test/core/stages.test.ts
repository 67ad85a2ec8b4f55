import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** In the order in which data flows (docs/architecture.md). */
const STAGES = ['core', 'train', 'export', 'serve', 'web-demo'];
/** Folders beside the stages that are of one; recipes are the settings of trainings, with no code of their own. */
const PART_OF: Readonly<Record<string, string>> = { recipes: 'train' };

interface Import {
  file: string;
  /** The folder of the project that it names a module of. */
  target: string;
}

/** Modules of the project that a file names: imports of any kind, and the files that worker threads start from. */
function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(/['"](\.{1,2}\/[^'"\s]+\.ts)['"]/g)].map(([, path]) => ({
    file,
    target: relative(PROJECT, join(PROJECT, file, '..', path!)).split(sep)[0]!,
  }));
}

function importsOfLaterStages(imports: readonly Import[], stage: string): string[] {
  const allowed = STAGES.slice(0, STAGES.indexOf(stage) + 1);
  return imports
    .filter(({ target }) => !allowed.includes(PART_OF[target] ?? target))
    .map(({ file, target }) => `${file} imports of ${target}/`);
}

test('no stage imports a later one, nor what is around them', async () => {
  for (const stage of STAGES) {
    const files = (await readdir(join(PROJECT, stage), { recursive: true })).filter(
      (name) => name.endsWith('.ts') && !/(^|[\\/])(node_modules|dist)[\\/]/.test(name),
    );
    const imports: Import[] = [];
    for (const name of files) {
      imports.push(...importsOf(join(stage, name), await readFile(join(PROJECT, stage, name), 'utf8')));
    }
    assert.ok(
      imports.some(({ target }) => target === 'core'),
      `${stage}: nothing was found`,
    );
    assert.deepEqual(importsOfLaterStages(imports, stage), []);
  }
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
  const file = join('train', 'step', 'x.ts');
  assert.deepEqual(
    importsOfLaterStages(importsOf(file, text.join('\n')), 'train'),
    ['export', 'serve', 'bench', 'test'].map((target) => `${file} imports of ${target}/`),
  );
});
