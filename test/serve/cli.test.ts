import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat, utimes } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { modelOfRun } from '../../serve/run-model.ts';
import { isUserError } from '../ablation/is-user-error.ts';
import { command } from '../commands/command.ts';
import { writeRun } from '../export/trained-run.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(
  name: string,
  args: string[],
  cwd?: string,
): { child: ChildProcess; finished: Promise<Finished> } {
  const child = spawn(process.execPath, command(name, ...args), { cwd });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, finished };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const run = (script: string, ...args: string[]): Promise<Finished> => start(script, args).finished;

test('serve, evaluate --json, and a stop by signal', async () => {
  const dataset = makeSynthetic({ test: 0, splits: [] });
  const { path } = await writeTestModel(await temporaryFolder(), dataset);
  const { child, finished } = start('serve', ['--model', path, '--port', '0', '--threads', '1']);
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout!.on('data', (data: Buffer) => {
        const found = /serving {2}(http:\S+)/.exec(String(data))?.[1];
        if (found) resolve(found);
      });
      void finished.then(({ stderr }) => reject(new Error(stderr)));
    });
    const result = await run('evaluate', '--server', url, '--limit', '70', '--json');
    assert.equal(result.code, 0, result.stderr);
    const { images, top1, top1Correct, model } = JSON.parse(result.stdout);
    assert.deepEqual([images, top1, model], [70, top1Correct / 70, 'resnet20']);

    const text = await run('evaluate', '--server', url, '--limit', '5');
    assert.match(
      text.stdout,
      /resnet20 on synthetic, 5 test images\ntop-1 .*%.*\ntop-5 .*%.*\nspeed .* images\/s/,
    );
    const withData = await run('evaluate', '--server', url, '--data', '.');
    assert.deepEqual([withData.code, withData.stdout], [1, '']);
    assert.match(withData.stderr, /^error: [^\n]*leave out --data, or give --dataset too\n$/);
  } finally {
    child.kill('SIGTERM');
  }
  const { code, stdout, stderr } = await finished;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /from .*test\.onnx/);
  assert.match(stdout, /stopping: finishing the requests under way\n$/);
});

test('serve --run alone exports and serves the newest run, in several processes too', async () => {
  const folder = await temporaryFolder();
  await writeRun(join(folder, 'runs', 'older'), { scale: 2 });
  const newest = await writeRun(join(folder, 'runs', 'newest'));
  const later = new Date(Date.now() + 1000);
  await utimes(newest.checkpointPath('best'), later, later);
  await utimes(newest.checkpointPath('last'), later, later);
  const { child, finished } = start('serve', ['--run', '--processes', '2', '--port', '0'], folder);
  try {
    const text = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stdout!.on('data', (data: Buffer) => {
        said += data;
        if (/serving {2}http:\S+ .*\n/.test(said)) resolve(said);
      });
      void finished.then(({ stderr }) => reject(new Error(stderr)));
    });
    assert.match(
      text,
      /^exporting runs\/newest, best checkpoint, to runs\/newest\/best\.onnx\nmodel .* top-1 75\.00 % on 2,000 test images\) from runs\/newest\/best\.onnx\n/,
    );
  } finally {
    child.kill('SIGTERM');
  }
  assert.equal((await finished).code, 0);

  const out = join(newest.path, 'best.onnx');
  await utimes(out, later, later);
  const before = (await stat(out)).ino;
  const said: string[] = [];
  assert.equal(await modelOfRun(newest.path, (line) => said.push(line)), out);
  assert.deepEqual(
    [said, (await stat(out)).ino],
    [[], before],
    'a model that is there is not exported again',
  );
  const evenLater = new Date(Date.now() + 60_000);
  await utimes(newest.checkpointPath('best'), evenLater, evenLater);
  await modelOfRun(newest.path, (line) => said.push(line));
  assert.equal(said.length, 1, 'a run that went on is');
  assert.notEqual((await stat(out)).ino, before);
  await rm(newest.checkpointPath('best'));
  await assert.rejects(modelOfRun(newest.path), isUserError(/no epoch of it is done/));
  await assert.rejects(
    modelOfRun('newest', () => {}, join(folder, 'none')),
    isUserError(/npm run train/),
  );
});

test('mistakes on the command line are one line and exit code 1', async () => {
  const cases: [script: string, args: string[], message: RegExp][] = [
    ['serve', ['--model', 'no-such-model'], /there is no file "no-such-model"/],
    ['serve', ['--run', 'no-such-run'], /no-such-run holds no training run/],
    ['serve', ['--port', '70000'], /--port must be at most 65535/],
    ['evaluate', ['--server', 'nowhere'], /"nowhere" is not the address of a server/],
    ['evaluate', ['--batch-size', '0'], /--batch-size must be at least 1/],
  ];
  for (const [script, args, message] of cases) {
    const { code, stdout, stderr } = await run(script, ...args);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, message);
    assert.match(stderr, /^error: [^\n]+\n$/);
  }
});

test('a stop while it starts ends it at once', async () => {
  const dataset = makeSynthetic({ test: 0, splits: [] });
  const { path } = await writeTestModel(await temporaryFolder(), dataset);
  const port = await freePort();
  // Many, for it to be found before it has loaded them all.
  const models = Array.from({ length: 12 }, (_, i) => ['--model', `m${i}=${path}`]).flat();
  const { child, finished } = start('serve', [...models, '--port', String(port)]);
  try {
    let status = 0;
    while (status === 0) {
      await sleep(20);
      assert.equal(child.exitCode, null, 'it ended by itself');
      status = await fetch(`http://127.0.0.1:${port}/v2/health/ready`).then(
        (response) => response.status,
        () => 0,
      );
    }
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await finished;
    assert.equal(code, 0, stderr);
    if (status === 503) assert.ok(!stdout.includes('serving'), stdout);
  } finally {
    child.kill('SIGKILL');
  }
});
