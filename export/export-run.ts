import type { RunDirectory } from '../core/runs/run-directory.ts';
import { exportModel } from './export-model.ts';
import type { CheckpointChoice, ExportOptions } from './options.ts';
import type { ExportResult } from './output/output-paths.ts';
import { runSource } from './sources/run-source.ts';

export { defaultOutput } from './output/output-paths.ts';
export type { ExportResult };

export interface ExportRunOptions extends ExportOptions {
  /** The training run whose weights are exported. */
  run: RunDirectory;
  /** Default `best`. */
  checkpoint?: CheckpointChoice;
}

/** Exports the model that a run trained; see {@link exportModel}. */
export async function exportRun({
  run,
  checkpoint = 'best',
  ...options
}: ExportRunOptions): Promise<ExportResult> {
  return exportModel(await runSource(run, checkpoint, options.data), options);
}
