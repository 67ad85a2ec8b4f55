import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorMessage, UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import type { EpochLog, LoopObserver } from '../loop.ts';
import { stepOf } from './logs.ts';

const DEFAULT_URI = 'http://127.0.0.1:5000';
const EXPERIMENT = 'onnx-classifier';
/** What log-batch takes at once (https://mlflow.org/docs/latest/rest-api.html#request-limits). */
const LIMITS = { metrics: 1000, params: 100, valueLength: 500 };
const TIMEOUT_MS = 20_000;
/** Of those that a server did not take, more are not kept. */
const MOST_WAITING = 100_000;

interface Metric {
  key: string;
  value: number;
  /** Milliseconds since 1970. */
  timestamp: number;
  step: number;
}

/**
 * A run on an MLflow tracking server, by its REST API 2.0: settings as parameters, epochs and steps as metrics. Which
 * server, experiment and user is said by MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, MLFLOW_TRACKING_TOKEN or
 * MLFLOW_TRACKING_USERNAME and _PASSWORD, as for MLflow's own clients. A run that is resumed goes on there too:
 * `mlflow.json` in its directory has the number that it has on the server.
 */
export class MlflowRun {
  readonly #uri: string;
  readonly #id: string;
  readonly #stepsPerEpoch: number;
  #waiting: Metric[] = [];

  private constructor(uri: string, id: string, stepsPerEpoch: number) {
    this.#uri = uri;
    this.#id = id;
    this.#stepsPerEpoch = stepsPerEpoch;
  }

  /**
   * Begins the run on the server, or goes on with it.
   * @param settings of the run
   * @throws UserError if there is no server, or it refuses
   */
  static async open(
    run: RunDirectory,
    settings: Readonly<Record<string, unknown>>,
    stepsPerEpoch: number,
  ): Promise<MlflowRun> {
    const uri = trackingUri();
    const path = join(run.path, 'mlflow.json');
    const known = await readKnown(path);
    if (known?.uri === uri) {
      await ask(uri, 'runs/update', { run_id: known.runId, status: 'RUNNING' });
      return new MlflowRun(uri, known.runId, stepsPerEpoch);
    }
    const experiment = process.env.MLFLOW_EXPERIMENT_NAME || EXPERIMENT;
    const { run: made } = (await ask(uri, 'runs/create', {
      experiment_id: await experimentId(uri, experiment),
      run_name: basename(run.path),
      start_time: Date.now(),
      tags: [{ key: 'mlflow.source.name', value: 'onnx-classifier' }],
    })) as { run: { info: { run_id: string } } };
    const id = made.info.run_id;
    const params = Object.entries(settings).map(([key, value]) => ({
      key,
      value: (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, LIMITS.valueLength),
    }));
    for (let at = 0; at < params.length; at += LIMITS.params) {
      await ask(uri, 'runs/log-batch', { run_id: id, params: params.slice(at, at + LIMITS.params) });
    }
    await writeFileAtomic(path, `${JSON.stringify({ uri, experiment, runId: id }, null, 2)}\n`);
    return new MlflowRun(uri, id, stepsPerEpoch);
  }

  /** @param onFailure is told the first time that the server does not take what was measured; it is sent again later */
  observer(onFailure: (error: unknown) => void): LoopObserver {
    let failed = false;
    const send = async (): Promise<void> => {
      try {
        await this.#send();
        failed = false;
      } catch (error) {
        if (!failed) onFailure(error);
        failed = true;
      }
    };
    return {
      onStep: async (report) => {
        const { loss, learningRate } = report;
        this.#add(
          { 'step/loss': loss, 'step/learning_rate': learningRate },
          stepOf(report, this.#stepsPerEpoch),
        );
        // A server that does not answer must not hold up every step.
        if (!failed && this.#waiting.length >= LIMITS.metrics) await send();
      },
      onPause: send,
      onEpochEnd: ({ entry }) => {
        this.#addEpoch(entry);
        return send();
      },
    };
  }

  /** Says how the run ended. @throws Error if the server does not take it */
  async end(status: 'FINISHED' | 'KILLED' | 'FAILED'): Promise<void> {
    await this.#send();
    await ask(this.#uri, 'runs/update', { run_id: this.#id, status, end_time: Date.now() });
  }

  #addEpoch({ epoch, evaluatedOn: _evaluatedOn, testImages: _testImages, ...numbers }: EpochLog): void {
    this.#add(
      Object.fromEntries(Object.entries(numbers).map(([name, value]) => [snakeCase(name), value])),
      epoch + 1,
    );
  }

  /** Numbers that are none are left out: JSON has no NaN. */
  #add(values: Readonly<Record<string, number>>, step: number): void {
    const timestamp = Date.now();
    for (const [key, value] of Object.entries(values)) {
      if (Number.isFinite(value)) this.#waiting.push({ key, value, timestamp, step });
    }
    if (this.#waiting.length > MOST_WAITING) this.#waiting.splice(0, this.#waiting.length - MOST_WAITING);
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const metrics = this.#waiting.slice(0, LIMITS.metrics);
      await ask(this.#uri, 'runs/log-batch', { run_id: this.#id, metrics });
      this.#waiting.splice(0, metrics.length);
    }
  }
}

/**
 * Before anything is begun.
 * @throws UserError if there is no server
 */
export async function requireMlflow(): Promise<void> {
  await ask(trackingUri(), 'experiments/get-by-name?experiment_name=Default');
}

function trackingUri(): string {
  const uri = (process.env.MLFLOW_TRACKING_URI || DEFAULT_URI).replace(/\/$/, '');
  if (/^https?:\/\//.test(uri)) return uri;
  throw new UserError(`--log mlflow sends to a server; MLFLOW_TRACKING_URI is "${uri}", not http(s)://...`);
}

async function experimentId(uri: string, name: string): Promise<string> {
  const query = new URLSearchParams({ experiment_name: name });
  const found = (await ask(uri, `experiments/get-by-name?${query}`)) as
    | { experiment: { experiment_id: string } }
    | undefined;
  if (found) return found.experiment.experiment_id;
  const made = await ask(uri, 'experiments/create', { name });
  return (made as { experiment_id: string }).experiment_id;
}

async function readKnown(path: string): Promise<{ uri: string; runId: string } | undefined> {
  try {
    const { uri, runId } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    return typeof uri === 'string' && typeof runId === 'string' ? { uri, runId } : undefined;
  } catch {
    return undefined;
  }
}

/** @returns what it answers; undefined where there is no such thing, if nothing is sent */
async function ask(uri: string, path: string, body?: unknown): Promise<unknown> {
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: user,
    MLFLOW_TRACKING_PASSWORD: password,
  } = process.env;
  const authorization = token
    ? `Bearer ${token}`
    : user && `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
  let response: Response;
  try {
    response = await fetch(`${uri}/api/2.0/mlflow/${path}`, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const reason = error instanceof Error && error.cause ? errorMessage(error.cause) : errorMessage(error);
    throw new UserError(
      `no MLflow server answers at ${uri} (${reason}); start one with mlflow server, or set MLFLOW_TRACKING_URI`,
    );
  }
  if (response.status === 404 && body === undefined) return undefined;
  const text = await response.text();
  let answer: { message?: unknown } | undefined;
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    // Something else answers there.
  }
  if (response.ok && answer !== undefined) return answer;
  const why =
    typeof answer?.message === 'string' ? answer.message.split('\n')[0] : `status ${response.status}`;
  throw new UserError(`MLflow at ${uri} refuses ${path.split('?')[0]}: ${why}`);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
