import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CommandHelp, OPTION_TABLES, optionTables, readHelp } from '../../setup/option-tables.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUIDES = ['README.md', 'docs/guide.md'];
/** Options of other programs, which these name too. */
const FOREIGN = new Set(['--logdir', '--ignore-scripts', '--global', '--config', '--rest']);
/** What a person reads at once: about a screen and a half, pictures aside. */
const README_LINES = 110;

const texts = new Map(
  await Promise.all(GUIDES.map(async (name) => [name, await readFile(join(ROOT, name), 'utf8')] as const)),
);

describe('the README and the guides', () => {
  let commands: CommandHelp[];
  before(async () => {
    commands = await readHelp();
  });

  it('docs/options.md has every option of every command, as --help says it', async () => {
    assert.ok(commands.length > 10);
    for (const { name, options, usage } of commands) {
      assert.ok(
        options.some(({ flag }) => flag === '--help'),
        `npm run ${name} -- --help lists no options`,
      );
      assert.match(usage, new RegExp(`^npm run ${name} -- `));
    }
    const written = await readFile(OPTION_TABLES, 'utf8');
    assert.equal(
      written,
      optionTables(commands),
      'docs/options.md is not of these options; run npm run options',
    );
  });

  it('name no option that no command has, and every command', () => {
    const known = new Set(
      commands.flatMap(({ options }) =>
        options.flatMap(({ flag }) => {
          const [, no = '', name] = /^--(?:\[(no-)\])?([a-z0-9-]+)/.exec(flag)!;
          return [`--${no}${name}`];
        }),
      ),
    );
    for (const [file, text] of texts) {
      const named = new Set(text.match(/(?<![\w-])--[a-z][a-z0-9-]*/g));
      assert.deepEqual(
        [...named].filter((option) => !known.has(option) && !FOREIGN.has(option)),
        [],
        file,
      );
    }
    const all = [...texts.values()].join('\n');
    assert.deepEqual(
      commands.filter(({ name }) => !all.includes(`npm run ${name}`)).map(({ name }) => name),
      [],
    );
  });

  it('lead to files that are there, and show small pictures', async () => {
    let bytes = 0;
    for (const [file, text] of texts) {
      for (const [, picture, target] of text.matchAll(/(!?)\[[^\]]*\]\(([^)\s#]+)[^)]*\)/g)) {
        if (/^https?:/.test(target!)) continue;
        const path = join(ROOT, dirname(file), target!);
        assert.ok(existsSync(path), `${file}: ${target}`);
        if (picture === '!') bytes += (await stat(path)).size;
      }
    }
    assert.ok(bytes > 0 && bytes < 600_000, `${bytes} bytes of pictures`);
  });

  it('README.md is one that a person reads', () => {
    const lines = texts.get('README.md')!.split('\n');
    assert.ok(lines.length <= README_LINES, `${lines.length} lines; details belong into docs/`);
  });
});
