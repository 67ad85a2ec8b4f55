import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readLogs } from '../../train/runs/logs.ts';
import { requireMlflow } from '../../train/runs/mlflow.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { BATCHES_PER_EPOCH, CONFIG, tinyRun } from './support/tiny-run.ts';

const folder = await temporaryFolder();

/** What a tracking server was told: https://mlflow.org/docs/latest/rest-api.html */
interface Told {
  path: string;
  body: Record<string, unknown>;
  authorization: string | undefined;
}

/** Answers as MLflow's server does; `refuses` makes it fail as one that is being restarted. */
class StubMlflow {
  readonly told: Told[] = [];
  refuses = false;
  readonly #server: Server;
  #hasExperiment = false;

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const { pathname } = new URL(request.url!, 'http://localhost');
      const path = pathname.replace('/api/2.0/mlflow/', '');
      const { authorization } = request.headers;
      if (!this.refuses) this.told.push({ path, body: text === '' ? {} : JSON.parse(text), authorization });
      const [status, answer] = this.#answer(path);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  }

  #answer(path: string): [number, unknown] {
    if (this.refuses) return [503, { error_code: 'TEMPORARILY_UNAVAILABLE', message: 'later' }];
    if (path === 'experiments/get-by-name' && !this.#hasExperiment) {
      return [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No such experiment' }];
    }
    if (path.startsWith('experiments/')) {
      this.#hasExperiment = true;
      return [200, { experiment_id: '7', experiment: { experiment_id: '7' } }];
    }
    if (path === 'runs/create') return [200, { run: { info: { run_id: 'abc' } } }];
    return path === 'runs/log-batch' || path === 'runs/update' ? [200, {}] : [404, {}];
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  list<T>(field: 'metrics' | 'params'): T[] {
    return this.told
      .filter(({ path }) => path === 'runs/log-batch')
      .flatMap(({ body }) => (body[field] ?? []) as T[]);
  }
}

interface Metric {
  key: string;
  value: number;
  timestamp: number;
  step: number;
}

describe('--log', () => {
  const stub = new StubMlflow();
  before(async () => {
    process.env.MLFLOW_TRACKING_URI = `${await stub.listen()}/`;
    process.env.MLFLOW_TRACKING_TOKEN = 'secret';
  });
  after(() => {
    stub.close();
    delete process.env.MLFLOW_TRACKING_URI;
    delete process.env.MLFLOW_TRACKING_TOKEN;
  });

  it('writes epochs, steps and both to MLflow, each once over an interruption', async () => {
    const setup = { logs: ['csv', 'jsonl', 'mlflow'] as const };
    const options = { config: { epochs: 2 }, setup };
    await tinyRun(folder, 'logged', { ...options, stopAfter: BATCHES_PER_EPOCH + 1 });
    const ends = () =>
      stub.told.filter(({ path }) => path === 'runs/update').map(({ body }) => String(body.status));
    assert.deepEqual(ends(), ['KILLED']);
    // Its tables and lines go on unasked.
    const again = { ...options, setup: { logs: ['mlflow'] as const }, resume: true };
    const { run } = await tinyRun(folder, 'logged', again);
    assert.deepEqual(ends(), ['KILLED', 'RUNNING', 'FINISHED']);

    const log = await run.readLog();
    const [head, ...rows] = (await readFile(join(run.path, 'log.csv'), 'utf8')).trimEnd().split('\n');
    const columns = head!.split(',');
    assert.deepEqual(
      rows.map((row) => Number(row.split(',')[columns.indexOf('trainLoss')])),
      log.map((entry) => (entry as { trainLoss: number }).trainLoss),
    );
    const steps = (await readFile(join(run.path, 'steps.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { step: number; epoch: number; loss: number });
    assert.deepEqual(
      steps.map(({ step }) => step),
      Array.from({ length: 2 * BATCHES_PER_EPOCH }, (_, i) => i + 1),
    );

    assert.ok(stub.told.every(({ authorization }) => authorization === 'Bearer secret'));
    const created = stub.told.filter(({ path }) => path === 'runs/create');
    assert.deepEqual(
      created.map(({ body }) => [body.experiment_id, body.run_name]),
      [['7', 'logged']],
    );
    const params = new Map(
      stub.list<{ key: string; value: string }>('params').map(({ key, value }) => [key, value]),
    );
    assert.equal(params.get('optimizer'), CONFIG.optimizer);
    assert.equal(params.get('learningRate'), String(CONFIG.learningRate));
    const metrics = stub.list<Metric>('metrics');
    assert.deepEqual(
      metrics.filter(({ key }) => key === 'step/loss').map(({ step, value }) => [step, value]),
      steps.map(({ step, loss }) => [step, loss]),
    );
    assert.deepEqual(
      metrics.filter(({ key }) => key === 'test_top1').map(({ step, value }) => [step, value]),
      log.map((entry, i) => [i + 1, (entry as { testTop1: number }).testTop1]),
    );
    assert.ok(metrics.every(({ timestamp }) => Math.abs(timestamp - Date.now()) < 600_000));
  });

  it('an MLflow that fails meanwhile is said once, ends nothing, and gets all of it later', async () => {
    const before = stub.list<Metric>('metrics').length;
    const warnings: string[] = [];
    const { result, run } = await tinyRun(folder, 'restarted', {
      config: { epochs: 3 },
      setup: { logs: ['mlflow'], warn: (line: string) => warnings.push(line) },
      observer: {
        onEpochStart: (epoch: number) => {
          stub.refuses = epoch < 2;
        },
      },
    });
    assert.equal(result.finished, true);
    assert.deepEqual(warnings.length, 1, warnings.join('\n'));
    assert.match(
      warnings[0]!,
      /^the metrics of MLflow were not written: MLflow at \S+ refuses runs\/log-batch: later$/,
    );
    const later = stub.list<Metric>('metrics').slice(before);
    assert.deepEqual(
      later.filter(({ key }) => key === 'train_loss').map(({ step }) => step),
      [1, 2, 3],
    );
    assert.ok(!existsSync(join(run.path, 'log.csv')) && !existsSync(join(run.path, 'steps.jsonl')));
  });

  it('refuses what is no log, and an MLflow that is not there, in a line', async () => {
    assert.deepEqual(readLogs(['csv,jsonl', 'mlflow']), ['csv', 'jsonl', 'mlflow']);
    assert.throws(() => readLogs(['wandb']), /--log is csv, jsonl, mlflow, not "wandb"/);
    const uri = process.env.MLFLOW_TRACKING_URI!;
    try {
      process.env.MLFLOW_TRACKING_URI = 'http://127.0.0.1:9';
      await assert.rejects(
        requireMlflow(),
        /no MLflow server answers at http:\/\/127\.0\.0\.1:9 \(.*\); start one/,
      );
      process.env.MLFLOW_TRACKING_URI = 'databricks';
      await assert.rejects(requireMlflow(), /MLFLOW_TRACKING_URI is "databricks"/);
    } finally {
      process.env.MLFLOW_TRACKING_URI = uri;
    }
  });
});
