import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PoolObserver } from '../inference/pool.ts';

/** From a fast model's single image to a large batch on a busy machine; seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** What is measured when it is asked for. */
interface ModelState {
  model: string;
  version: number;
  queued: number;
  ready: boolean;
}

/** What the server counts, in Prometheus's terms. One for each server, not one for the process. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Histogram;
  readonly #underWay: Gauge;
  readonly #rejected: Counter;
  readonly #wait: Histogram;
  readonly #run: Histogram;
  readonly #batch: Histogram;
  readonly #crashes: Counter;
  readonly #reloads: Counter;

  /** @param read what is measured only when it is asked for */
  constructor(read: () => ModelState[]) {
    const registers = [this.registry];
    const model = ['model', 'version'];
    this.#requests = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'From the head of a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers,
    });
    this.#underWay = new Gauge({
      name: 'http_requests_in_flight',
      help: 'Requests under way.',
      registers,
    });
    this.#rejected = new Counter({
      name: 'http_requests_rejected_total',
      help: 'Requests refused to protect the server.',
      labelNames: ['reason'],
      registers,
    });
    this.#wait = new Histogram({
      name: 'inference_queue_seconds',
      help: 'Time a request waited for an inference thread.',
      labelNames: model,
      buckets: SECONDS,
      registers,
    });
    this.#run = new Histogram({
      name: 'inference_duration_seconds',
      help: 'Time the model took for a batch.',
      labelNames: model,
      buckets: SECONDS,
      registers,
    });
    this.#batch = new Histogram({
      name: 'inference_batch_images',
      help: 'Images run at once.',
      labelNames: model,
      buckets: BATCHES,
      registers,
    });
    this.#crashes = new Counter({
      name: 'inference_worker_crashes_total',
      help: 'Inference threads that died and were replaced.',
      labelNames: ['model'],
      registers,
    });
    this.#reloads = new Counter({
      name: 'model_reloads_total',
      help: 'Model files that changed, by what came of it.',
      labelNames: ['result'],
      registers,
    });
    const gauge = (
      name: string,
      help: string,
      value: (now: ModelState) => number,
      aggregator: 'sum' | 'min' = 'sum',
    ): Gauge =>
      new Gauge({
        name,
        help,
        aggregator,
        labelNames: model,
        registers,
        collect() {
          this.reset();
          for (const now of read()) this.set({ model: now.model, version: now.version }, value(now));
        },
      });
    gauge('inference_queue_images', 'Images that wait for an inference thread.', ({ queued }) => queued);
    // Of several processes, all must be.
    gauge('model_ready', '1 if the model can answer.', ({ ready }) => Number(ready), 'min');
    // The delays that Node reports have the interval of its timer in them, 10 ms if nothing is said.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 2 });
  }

  requestStarted(): void {
    this.#underWay.inc();
  }

  requestEnded(method: string, route: string, status: number, seconds: number): void {
    this.#underWay.dec();
    this.#requests.observe({ method, route, status }, seconds);
  }

  rejected(reason: 'overload' | 'rate-limit' | 'api-key' | 'client-limit' | 'stalled'): void {
    this.#rejected.inc({ reason });
  }

  reloaded(result: string): void {
    this.#reloads.inc({ result });
  }

  /** What one model's pool reports to. */
  poolObserver(model: string, version: number, onCrash: (reason: string) => void): PoolObserver {
    const labels = { model, version };
    // Each resolves its labels once, not at every request.
    const [wait, run, batch] = [this.#wait, this.#run, this.#batch].map((metric) => metric.labels(labels));
    return {
      waited: (seconds) => wait!.observe(seconds),
      ran: (images, seconds) => {
        batch!.observe(images);
        run!.observe(seconds);
      },
      crashed: (reason) => {
        this.#crashes.inc({ model });
        onCrash(reason);
      },
    };
  }
}
