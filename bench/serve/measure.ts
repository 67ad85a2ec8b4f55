import type { ImageDataset } from '../../core/data/dataset.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { DEFAULT_BATCH_SIZE, DEFAULT_CONCURRENCY } from '../../serve/evaluate/client.ts';
import { percentile } from '../../serve/evaluate/evaluate-server.ts';
import type { RawRuntime, ServerProcess } from './child.ts';
import { type LoadRequest, sendLoad } from './load.ts';
import { processCpuMilliseconds } from './process-cpu.ts';
import { readMetrics } from './read-metrics.ts';
import { formRequests, pngRequests, tensorRequests } from './test-images.ts';

export interface ServeContestants {
  raw: RawRuntime;
  ours: ServerProcess;
  peers: [name: string, server: ServerProcess][];
  dataset: ImageDataset;
  metadata: ClassifierMetadata;
  /** Images in a request with several. */
  batch: number;
}

/** A line of a table: its value in each turn, to be compared with onnxruntime's of the same turn. */
export interface Measurement {
  name: string;
  turns: number[];
  /** CPU time of an image in each turn, in milliseconds: of who runs the model, and of the load generator. */
  cpu: number[];
  clientCpu: number[];
}

export interface ServeComparison {
  model: string;
  batch: number;
  /** Images a turn. */
  images: number;
  /** Images a second; onnxruntime alone comes first. */
  throughput: Measurement[];
  /** Of one image, median in milliseconds; onnxruntime alone comes first. */
  latency: Measurement[];
  /** Our server's event loop delay under the load of single images, 99th percentile in ms, of each turn. */
  eventLoopP99: number[];
}

export interface MeasureOptions {
  rounds: number;
  secondsPerTurn: number;
}

const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128];
/** So many clients ask at a time: enough to fill batches. */
const CONNECTIONS = 64;
/** Enough that none of our cores ever waits for a request of a whole batch. */
const BATCH_CONNECTIONS = 8;

/**
 * The batch size at which onnxruntime alone is fastest, each tried twice, of those that leave each connection a
 * request in a turn: a heavy net's turn would last minutes with large ones.
 */
export async function chooseBatch(raw: Pick<RawRuntime, 'run'>, seconds: number): Promise<number> {
  const trial = await raw.run({ batch: 1, seconds: seconds / 4 });
  const turn = (trial.images / trial.seconds) * seconds;
  const batches = BATCHES.filter((batch) => batch === 1 || batch * BATCH_CONNECTIONS <= turn);
  const speed = new Map<number, number>();
  for (const batch of [...batches, ...batches]) {
    const result = await raw.run({ batch, seconds: seconds / 4 });
    speed.set(batch, Math.max(speed.get(batch) ?? 0, result.images / result.seconds));
  }
  return [...speed].sort((a, b) => b[1] - a[1])[0]![0];
}

/** Everyone by turns. A turn is as many images as onnxruntime alone works through in its time. */
export async function measureServe(
  it: ServeContestants,
  { rounds, secondsPerTurn }: MeasureOptions,
): Promise<ServeComparison> {
  const trial = await it.raw.run({ batch: it.batch, seconds: secondsPerTurn });
  const speed = trial.images / trial.seconds;
  const requests = Math.max(BATCH_CONNECTIONS, Math.ceil((speed * secondsPerTurn) / it.batch));
  const images = requests * it.batch;
  const few = Math.max(20, Math.min(300, Math.ceil(speed * secondsPerTurn)));
  const evaluateRequests = roundUp(images / DEFAULT_BATCH_SIZE, DEFAULT_CONCURRENCY);
  const stored = Math.min(Math.max(images, evaluateRequests * DEFAULT_BATCH_SIZE), it.dataset.test.count);
  const single = await pngRequests(it.dataset, stored);
  const forms = formRequests(single, it.batch);
  const evaluateForms = formRequests(single, DEFAULT_BATCH_SIZE);
  const tensors = tensorRequests(it.dataset, it.metadata, stored, it.batch);
  const oneTensor = tensorRequests(it.dataset, it.metadata, 1, 1);

  const lines = { throughput: new Map<string, Measurement>(), latency: new Map<string, Measurement>() };
  const note = (table: keyof typeof lines, name: string, turn: number, cpu: number, clientCpu: number) => {
    const line = lines[table].get(name) ?? { name, turns: [], cpu: [], clientCpu: [] };
    lines[table].set(name, line);
    line.turns.push(turn);
    line.cpu.push(cpu);
    line.clientCpu.push(clientCpu);
  };
  const alone = async (table: keyof typeof lines, batch: number) => {
    const result = await it.raw.run({ batch, seconds: secondsPerTurn });
    const value =
      table === 'throughput'
        ? result.images / result.seconds
        : percentile(Float64Array.from(result.milliseconds).sort(), 0.5);
    note(table, 'onnxruntime alone', value, result.cpuMilliseconds / result.images, 0);
  };
  const asked = async (
    table: keyof typeof lines,
    name: string,
    { url, pid }: ServerProcess,
    bodies: readonly LoadRequest[],
    count: number,
    connections: number,
  ) => {
    const before = await processCpuMilliseconds(pid);
    const result = await sendLoad(url, bodies, count, connections);
    const used = (await processCpuMilliseconds(pid)) - before;
    if (result.failed > 0) throw new Error(`${name}: ${result.failed} requests failed`);
    const value =
      table === 'throughput' ? result.images / result.seconds : percentile(result.milliseconds, 0.5);
    note(table, name, value, used / result.images, result.cpuMilliseconds / result.images);
  };

  const eventLoopP99: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) {
      // The first round warmed up.
      lines.throughput.clear();
      lines.latency.clear();
      eventLoopP99.length = 0;
    }
    await alone('throughput', it.batch);
    await asked('throughput', 'ours, tensors', it.ours, tensors, requests, BATCH_CONNECTIONS);
    await asked('throughput', 'ours, PNG files in forms', it.ours, forms, requests, BATCH_CONNECTIONS);
    await asked(
      'throughput',
      'ours, forms as npm run evaluate sends them',
      it.ours,
      evaluateForms,
      evaluateRequests,
      DEFAULT_CONCURRENCY,
    );
    await readEventLoopP99(it.ours.url);
    await asked('throughput', 'ours, PNG files one by one', it.ours, single, images, CONNECTIONS);
    eventLoopP99.push(await readEventLoopP99(it.ours.url));
    for (const [name, peer] of it.peers) await asked('throughput', name, peer, single, images, CONNECTIONS);

    await alone('latency', 1);
    await asked('latency', 'ours, tensor', it.ours, oneTensor, few, 1);
    await asked('latency', 'ours, PNG file', it.ours, single, few, 1);
    for (const [name, peer] of it.peers) await asked('latency', name, peer, single, few, 1);
  }
  return {
    model: it.metadata.model,
    batch: it.batch,
    images,
    throughput: [...lines.throughput.values()],
    latency: [...lines.latency.values()],
    eventLoopP99,
  };
}

/** The smallest multiple of `step` from `value` on. */
function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Reading it also starts it anew. */
async function readEventLoopP99(url: string): Promise<number> {
  return (await readMetrics(url))('nodejs_eventloop_lag_p99_seconds') * 1000;
}
