import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('print-for-ever.ts', import.meta.url));

/** Starts the command, reads a little of a stream and closes it; gives exit code and what the other one had. */
async function closeEarly(stream: 'stdout' | 'stderr', ...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, stream, ...args]);
  const other = stream === 'stdout' ? child.stderr : child.stdout;
  let text = '';
  other.on('data', (chunk) => (text += chunk));
  const exit = once(child, 'close');
  await once(child[stream], 'data');
  child[stream].destroy();
  const [code, signal] = await exit;
  return { code, signal, text };
}

it('a command whose output nobody reads ends quietly, as one that SIGPIPE ends', async () => {
  for (const stream of ['stdout', 'stderr'] as const) {
    assert.deepEqual(await closeEarly(stream), { code: 141, signal: null, text: '' }, stream);
  }
});

it('a command that saves when it is stopped is let do so', async () => {
  assert.deepEqual(await closeEarly('stdout', 'saves'), { code: 3, signal: null, text: '' });
});
