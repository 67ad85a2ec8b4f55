import type { EpochLog } from '../../../train/loop.ts';
import type { RunSummary } from '../../../train/runs/summary.ts';

/**
 * A run as the server streams it: its numbers so far, its curves, its config. JSON has no NaN: numbers that a
 * log lacks are null on the way.
 */
export interface RunMessage {
  summary: RunSummary;
  epochs: EpochLog[];
  config: Record<string, unknown>;
  /** When something was last logged, in milliseconds since 1970. */
  changed: number;
}

/** What one event of the stream holds. */
export interface RunsEvent {
  /** The runs that are new or have changed. */
  changed: RunMessage[];
  /** The paths of all runs there are. */
  all: string[];
}
