/**
 * `--log mlflow` against MLflow's own server. Where the Python that ONNX_PYTHON names has no mlflow, it comes from PyPI
 * into a folder that is kept.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { BATCHES_PER_EPOCH, CONFIG, tinyRun } from './support/tiny-run.ts';

const VERSION = '3.17.2';
const CACHE = fileURLToPath(new URL(`../../node_modules/.cache/mlflow-${VERSION}`, import.meta.url));
const PATIENCE_MS = 400_000;
const EXPERIMENT = 'of the test';
const PYTHON = process.env.ONNX_PYTHON ?? 'python3';
const hasPython = spawnSync(PYTHON, ['--version']).status === 0;
const skip = hasPython || process.env.CI ? false : `there is no ${PYTHON}; install it or set ONNX_PYTHON`;
const run = promisify(execFile);

const folder = await temporaryFolder();

interface Metric {
  value: number;
  step: number;
}

describe(`MLflow ${VERSION}`, { skip }, () => {
  let server: ChildProcess;
  let uri: string;

  before(async () => {
    const port = await freePort();
    uri = `http://127.0.0.1:${port}`;
    server = spawn(
      await pythonWithMlflow(),
      [
        ...['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
        ...['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`],
        ...['--artifacts-destination', join(folder, 'artifacts')],
      ],
      // It starts others, which end with its group.
      { cwd: folder, detached: true, stdio: 'ignore', env: { ...process.env, DO_NOT_TRACK: 'true' } },
    );
    await answers(`${uri}/health`, server);
    process.env.MLFLOW_TRACKING_URI = uri;
    process.env.MLFLOW_EXPERIMENT_NAME = EXPERIMENT;
  });
  after(async () => {
    delete process.env.MLFLOW_TRACKING_URI;
    delete process.env.MLFLOW_EXPERIMENT_NAME;
    if (server?.pid === undefined || server.exitCode !== null) return;
    const exit = once(server, 'exit');
    process.kill(-server.pid);
    await exit;
  });

  it('has settings, epochs and steps of a run once each, over an interruption', async () => {
    const options = { config: { epochs: 2 }, setup: { logs: ['jsonl', 'mlflow'] as const } };
    await tinyRun(folder, 'logged', { ...options, stopAfter: BATCHES_PER_EPOCH + 1 });
    const ask = async (path: string, body?: object): Promise<unknown> => {
      const response = await fetch(
        `${uri}/api/2.0/mlflow/${path}`,
        body && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        },
      );
      assert.equal(response.status, 200, await response.clone().text());
      return response.json();
    };
    const found = (await ask(
      `experiments/get-by-name?experiment_name=${encodeURIComponent(EXPERIMENT)}`,
    )) as { experiment: { experiment_id: string } };
    const theirs = async () => {
      const ids = [found.experiment.experiment_id];
      const { runs } = (await ask('runs/search', { experiment_ids: ids })) as {
        runs: {
          info: { run_id: string; run_name: string; status: string };
          data: { params: { key: string; value: string }[] };
        }[];
      };
      assert.equal(runs.length, 1);
      return runs[0]!;
    };
    assert.equal((await theirs()).info.status, 'KILLED');

    const { run: ours } = await tinyRun(folder, 'logged', { ...options, resume: true });
    const { info, data } = await theirs();
    assert.deepEqual([info.run_name, info.status], ['logged', 'FINISHED']);
    const params = new Map(data.params.map(({ key, value }) => [key, value]));
    assert.equal(params.get('optimizer'), CONFIG.optimizer);
    assert.equal(params.get('learningRate'), String(CONFIG.learningRate));

    const history = async (key: string): Promise<[step: number, value: number][]> => {
      const query = new URLSearchParams({ run_id: info.run_id, metric_key: key });
      const { metrics } = (await ask(`metrics/get-history?${query}`)) as { metrics: Metric[] };
      return metrics
        .map(({ step, value }) => [Number(step), value] as [number, number])
        .sort(([a], [b]) => a - b);
    };
    const steps = (await readFile(join(ours.path, 'steps.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { step: number; loss: number });
    assert.equal(steps.length, 2 * BATCHES_PER_EPOCH);
    assert.deepEqual(
      await history('step/loss'),
      steps.map(({ step, loss }) => [step, loss]),
    );
    const log = (await ours.readLog()) as unknown as { testTop1: number }[];
    assert.deepEqual(
      await history('test_top1'),
      log.map(({ testTop1 }, i) => [i + 1, testTop1]),
    );
  });
});

async function pythonWithMlflow(): Promise<string> {
  const has = (python: string) =>
    run(python, ['-c', 'import mlflow']).then(
      () => true,
      () => false,
    );
  if (await has(PYTHON)) return PYTHON;
  const python = join(CACHE, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  if (!existsSync(python) || !(await has(python))) {
    await run(PYTHON, ['-m', 'venv', CACHE]);
    await run(python, ['-m', 'pip', 'install', '--quiet', `mlflow==${VERSION}`]);
  }
  return python;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until a server answers. */
async function answers(url: string, server: ChildProcess): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    if (server.exitCode !== null) throw new Error(`mlflow server ended with ${server.exitCode}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(500);
  }
  throw new Error(`mlflow server does not answer at ${url}`);
}
