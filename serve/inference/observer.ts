/** Told what an inference pool does, for metrics and the log. Times in seconds. */
export interface PoolObserver {
  /** A request waited so long for a worker. */
  waited(seconds: number): void;
  /** A batch ran. */
  ran(images: number, seconds: number): void;
  /** A worker died and will be replaced. */
  crashed(reason: string): void;
}
