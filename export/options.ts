import type { RunDirectory } from '../core/runs/run-directory.ts';

/** The two checkpoints a run keeps: of its best evaluation, and of its newest weights. */
export const CHECKPOINT_CHOICES = ['best', 'last'] as const;
export type CheckpointChoice = (typeof CHECKPOINT_CHOICES)[number];

export interface ExportOptions {
  /** The training run whose weights are exported. */
  run: RunDirectory;
  /** Default `best`. */
  checkpoint?: CheckpointChoice;
  /** Path of the .onnx file; default `exports/<model>.onnx`. An existing file is replaced. */
  out?: string | undefined;
  /** Where the dataset is, for the label names of a run that did not store them. */
  data?: string | undefined;
}
