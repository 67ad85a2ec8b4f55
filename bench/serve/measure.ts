import type { ImageDataset } from '../../core/data/dataset.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { percentile } from '../../serve/evaluate/latency.ts';
import type { RawRuntime, ServerProcess } from './child.ts';
import { type LoadRequest, sendLoad } from './load.ts';
import { formRequests, pngRequests, tensorRequests } from './test-images.ts';

export interface ServeContestants {
  raw: RawRuntime;
  ours: ServerProcess;
  peers: [name: string, server: ServerProcess][];
  dataset: ImageDataset;
  metadata: ClassifierMetadata;
  /** The batch size at which onnxruntime alone is fastest. */
  batch: number;
}

/** A line of the table: the value of each turn, to be compared with onnxruntime's of the same turn. */
export interface Measurement {
  name: string;
  unit: 'images/s' | 'ms';
  turns: number[];
  /** Of the first measurement with the same unit. */
  ratios: number[];
}

export interface ServeResults {
  model: string;
  batch: number;
  rounds: number;
  throughput: Measurement[];
  latency: Measurement[];
  /** The server's event loop delay under the load of single images, 99th percentile, of each turn. */
  eventLoopP99Ms: number[];
}

const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128];
const RAW_SECONDS = 3;
const LATENCY_REQUESTS = 300;
/** So many clients ask at a time: enough to fill batches. */
const CONNECTIONS = 64;

/** The batch size at which onnxruntime alone is fastest, each tried twice. */
export async function chooseBatch(raw: RawRuntime): Promise<number> {
  const speed = new Map<number, number>();
  for (const batch of [...BATCHES, ...BATCHES]) {
    const { images, seconds } = await raw.run({ batch, seconds: 1 });
    speed.set(batch, Math.max(speed.get(batch) ?? 0, images / seconds));
  }
  return [...speed].sort((a, b) => b[1] - a[1])[0]![0];
}

/** Everyone in turn, `rounds` times. @param images test images of a turn */
export async function measureServe(
  it: ServeContestants,
  images: number,
  rounds: number,
): Promise<ServeResults> {
  const count = Math.min(images, it.dataset.test.count);
  const single = await pngRequests(it.dataset, Math.min(count, 2000));
  const forms = await formRequests(it.dataset, count, it.batch);
  const tensors = tensorRequests(it.dataset, it.metadata, count, it.batch);
  const [oneTensor] = tensorRequests(it.dataset, it.metadata, 1, 1);
  const values = new Map<string, number[]>();
  const note = (name: string, value: number): void =>
    void values.set(name, [...(values.get(name) ?? []), value]);
  const eventLoopP99Ms: number[] = [];
  const few = Math.ceil(count / it.batch);
  const speed = async (
    name: string,
    server: ServerProcess,
    requests: LoadRequest[],
    n: number,
    clients: number,
  ) => {
    const { images: answered, seconds, failed } = await sendLoad(server.url, requests, n, clients);
    if (failed > 0) throw new Error(`${name}: ${failed} requests failed`);
    note(name, answered / seconds);
  };
  const latency = async (name: string, server: ServerProcess, requests: LoadRequest[]) => {
    const { milliseconds } = await sendLoad(server.url, requests, LATENCY_REQUESTS, 1);
    note(name, percentile(milliseconds, 0.5));
  };
  for (let round = 0; round < rounds; round++) {
    const alone = await it.raw.run({ batch: it.batch, seconds: RAW_SECONDS });
    note('onnxruntime alone', alone.images / alone.seconds);
    await speed('ours, tensors', it.ours, tensors, few, 4);
    await speed('ours, PNG files in forms', it.ours, forms, few, 4);
    await readEventLoopP99(it.ours.url);
    await speed('ours, PNG files one by one', it.ours, single, Math.min(count, 4000), CONNECTIONS);
    eventLoopP99Ms.push(await readEventLoopP99(it.ours.url));
    for (const [name, peer] of it.peers) await speed(name, peer, single, Math.min(count, 1000), CONNECTIONS);

    const one = await it.raw.run({ batch: 1, seconds: RAW_SECONDS });
    note('p50 onnxruntime alone', percentile(Float64Array.from(one.milliseconds).sort(), 0.5));
    await latency('p50 ours, tensor', it.ours, [oneTensor!]);
    await latency('p50 ours, PNG file', it.ours, single);
    for (const [name, peer] of it.peers) await latency(`p50 ${name}`, peer, single);
  }
  const isLatency = (name: string): boolean => name.startsWith('p50 ');
  const lines = (wanted: boolean): Measurement[] => {
    const chosen = [...values].filter(([name]) => isLatency(name) === wanted);
    const base = chosen[0]![1];
    return chosen.map(([name, turns]) => ({
      name: name.replace(/^p50 /, ''),
      unit: wanted ? 'ms' : 'images/s',
      turns,
      ratios: turns.map((value, i) => value / base[i]!),
    }));
  };
  return {
    model: it.metadata.model,
    batch: it.batch,
    rounds,
    throughput: lines(false),
    latency: lines(true),
    eventLoopP99Ms,
  };
}

/** Reading it also starts it anew. */
async function readEventLoopP99(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(text)?.[1]) * 1000;
}
