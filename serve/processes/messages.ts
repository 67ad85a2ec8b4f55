import type { MetricObjectWithValues, MetricValue } from 'prom-client';

/** One metric of a process with its values, as JSON. */
export type CountedMetric = MetricObjectWithValues<MetricValue<string>>;

/** How often a server process says that it is alive. */
export const ALIVE_MS = 500;

/** From a server process to the one that started it. */
export type ToPrimary =
  | { type: 'serving'; text: string }
  /** Said all the while that it serves. */
  | { type: 'alive' }
  | { type: 'failed'; reason: string }
  /** A client asks for what all processes count. */
  | { type: 'metrics-wanted'; id: number }
  /** What it counted itself, as it was asked. */
  | { type: 'counted'; id: number; metrics: CountedMetric[] };

/** To a server process. */
export type ToWorker =
  | { type: 'stop' }
  | { type: 'count'; id: number }
  | { type: 'metrics'; id: number; text: string };
