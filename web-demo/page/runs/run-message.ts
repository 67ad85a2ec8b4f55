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

/** What `test-model` writes of a run, as far as the page shows it. */
export interface RunReport {
  weights: string;
  dataset: string;
  images: number;
  top1: number;
  classes: { name: string; images: number; accuracy: number | null }[];
  /** [true class][predicted class] in images. */
  confusion: number[][];
  /** Some pictures that it got right and wrong, those it was surest of. */
  examples?: {
    image: string;
    truth: string;
    guess: string;
    probability: number;
    /** A small picture of it as a data URL. */
    picture?: string;
  }[];
}
