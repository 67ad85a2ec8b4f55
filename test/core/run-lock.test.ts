import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { rejectsPlainly } from '../data/user-error.ts';

const RUN_DIRECTORY = fileURLToPath(new URL('../../core/runs/run-directory.ts', import.meta.url));

/** A process that locks the run and then waits. */
async function holder(path: string) {
  const code = `import { RunDirectory } from ${JSON.stringify(RUN_DIRECTORY)};
    await new RunDirectory(process.argv[1]).lock(); console.log('locked'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code, path]);
  await once(child.stdout, 'data');
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await once(child, 'close');
  };
  return { pid: child.pid!, end };
}

describe('a run is written by one process', () => {
  it('which the others are told, and whose lock goes with it', async () => {
    const path = await temporaryFolder();
    const { pid, end } = await holder(path);
    const mine = new RunDirectory(path);
    try {
      await rejectsPlainly(mine.lock(), new RegExp(`being trained by process ${pid}; wait until it ends`));
    } finally {
      await end('SIGKILL');
    }
    // What the killed process left is taken over, with its half written files.
    await mkdir(join(path, 'plots'));
    for (const name of ['last.safetensors', 'plots/loss.svg']) {
      await writeFile(join(path, `${name}.${pid}-0123abcd.tmp`), 'half');
    }
    await writeFile(join(path, 'kept.tmp'), 'of somebody else');
    await mine.lock();
    assert.deepEqual((await readdir(path)).sort(), ['kept.tmp', 'plots', 'run.lock']);
    assert.deepEqual(await readdir(join(path, 'plots')), []);
    await mine.lock();
    await rejectsPlainly(new RunDirectory(path).lock(), new RegExp(`by process ${process.pid}`));
    await mine.unlock();
    assert.deepEqual((await readdir(path)).sort(), ['kept.tmp', 'plots']);
  });

  it('is not kept from it by a later process of the same number', {
    skip: !existsSync('/proc/self/stat'),
  }, async () => {
    const path = await temporaryFolder();
    const run = new RunDirectory(path);
    await run.lock();
    const lock = join(path, 'run.lock');
    const owner = JSON.parse(await readFile(lock, 'utf8')) as Record<string, unknown>;
    // A process of this number is alive, but it began at another time.
    await writeFile(lock, JSON.stringify({ ...owner, started: '17', token: 'other' }));
    const other = new RunDirectory(path);
    await other.lock();
    // And the one whose lock was taken over writes nothing more.
    await rejectsPlainly(run.checkLock(), /another process goes on with this run/);
    await run.unlock();
    await other.checkLock();
    await other.unlock();
    assert.equal(existsSync(lock), false);
  });

  it('is kept from it by another machine as long as that is heard of', async () => {
    const path = await temporaryFolder();
    const lock = join(path, 'run.lock');
    const elsewhere = { pid: 7, host: 'far', started: '1', machine: 'another', token: 't' };
    const run = new RunDirectory(path);
    for (const change of [{}, { host: (await ownerOf(run)).host, pid: 2 ** 22 }]) {
      await writeFile(lock, JSON.stringify({ ...elsewhere, ...change }));
      await rejectsPlainly(
        run.lock(),
        /being trained by process \d+( on far)?, heard of \d+ s ago; .*run again in \d+ s/,
      );
      const then = new Date(Date.now() - 130_000);
      await utimes(lock, then, then);
      await run.lock();
      await run.unlock();
    }
  });

  it('nor by what is no lock of ours, unless that is old', async () => {
    const path = await temporaryFolder();
    const lock = join(path, 'run.lock');
    const run = new RunDirectory(path);
    for (const text of [
      '',
      '{',
      'null',
      '{"pid":1}',
      '{"pid":-1,"host":"","started":"","machine":"","token":""}',
    ]) {
      await writeFile(lock, text);
      await rejectsPlainly(run.lock(), /run\.lock is no lock of ours; remove it if no process trains/);
      const then = new Date(Date.now() - 130_000);
      await utimes(lock, then, then);
      await run.lock();
      await run.unlock();
    }
  });

  it('even when many want it at once', async () => {
    const path = await temporaryFolder();
    const lock = join(path, 'run.lock');
    const owner = await ownerOf(new RunDirectory(path));
    await writeFile(lock, JSON.stringify({ ...owner, started: '17', pid: 2 ** 22 }));
    const runs = Array.from({ length: 12 }, () => new RunDirectory(path));
    const results = await Promise.allSettled(runs.map((run) => run.lock()));
    // Whoever believes to have it, has it: one.
    const holders = await Promise.allSettled(
      runs.filter((_, i) => results[i]!.status === 'fulfilled').map((run) => run.checkLock()),
    );
    assert.equal(holders.filter(({ status }) => status === 'fulfilled').length, 1);
    await Promise.all(runs.map((run) => run.unlock()));
    assert.deepEqual(await readdir(path), []);
  });
});

async function ownerOf(run: RunDirectory): Promise<Record<string, unknown>> {
  await run.lock();
  const owner = JSON.parse(await readFile(join(run.path, 'run.lock'), 'utf8')) as Record<string, unknown>;
  await run.unlock();
  return owner;
}
