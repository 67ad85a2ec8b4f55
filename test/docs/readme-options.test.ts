import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

const { scripts } = JSON.parse(await readFile(`${ROOT}/package.json`, 'utf8')) as {
  scripts: Record<string, string>;
};
/** The npm scripts that are commands of ours. */
const commands = Object.entries(scripts).flatMap(([name, line]) =>
  line === `node onnx-classifier.js ${name}` ? [name] : [],
);

const readme = await readFile(`${ROOT}/README.md`, 'utf8');
const named = new Set(readme.match(/(?<![\w-])--[a-z][a-z0-9-]*/g));

/** The options that a command's `--help` lists, as one would type them. */
async function optionsOf(command: string): Promise<string[]> {
  const { stdout } = await run(process.execPath, ['onnx-classifier.js', command, '--help'], { cwd: ROOT });
  return [...stdout.matchAll(/^ {2}--(?:\[(no-)\])?([a-z0-9-]+)/gm)].map(
    ([, no = '', name]) => `--${no}${name}`,
  );
}

const help = new Map<string, string[]>();

test('the commands are found', () => assert.ok(commands.length > 10));

for (const name of commands) {
  test(`the README names every option of npm run ${name}`, async () => {
    const options = await optionsOf(name);
    assert.ok(options.includes('--help'), `npm run ${name} -- --help lists no options`);
    help.set(name, options);
    assert.deepEqual(
      options.filter((option) => !named.has(option)),
      [],
    );
  });
}

test('the README names no option that no command has', () => {
  const known = new Set([...help.values()].flat());
  const foreign = new Set(['--logdir', '--ignore-scripts']);
  assert.deepEqual(
    [...named].filter((option) => !known.has(option) && !foreign.has(option)),
    [],
  );
});
