import type { ImageDataset } from '../core/data/dataset.ts';
import { datasetRecord } from '../core/data/run-record.ts';
import { initializeParameters } from '../core/models/initialize.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import type { TrainingEngine } from './engine/engine.ts';
import type { Device } from './engine/providers/device.ts';
import { engineForRun } from './progressive/engine-for-run.ts';
import type { TrainConfig } from './recipe/settings.ts';
import { type TrainObserver, type TrainResult, type TrainSetup, train } from './trainer.ts';

/** Where a run is kept and who watches it. */
export interface OpenedRun {
  run: RunDirectory;
  observer?: TrainObserver;
  /** If the config was settled only now; the engine's part of it must be as before. */
  config?: TrainConfig;
}

export interface RunSetup extends Omit<TrainSetup, 'engine' | 'run' | 'observer'> {
  /** Its weights are initialised here, from the config's seed. */
  model: Graph;
  threads?: number | undefined;
  /** Default the CPU. */
  device?: Device;
  /**
   * Opens or makes the run directory. Called when all else is ready, so that a mistake in the config leaves
   * no directory behind.
   */
  open: (engine: TrainingEngine) => Promise<OpenedRun>;
}

export interface RunOutcome {
  run: RunDirectory;
  result: TrainResult;
  /** What the training took. */
  seconds: number;
}

/**
 * The way from a config to a trained run: initial weights, engine, run directory, training.
 * @throws UserError if the config cannot be trained, or the training fails
 */
export async function startRun({ threads, device, open, ...setup }: RunSetup): Promise<RunOutcome> {
  initializeParameters(setup.model, setup.config.seed);
  const engine = await engineForRun(setup, threads, device);
  let opened: OpenedRun | undefined;
  try {
    opened = await open(engine);
    await opened.run.lock();
    const start = performance.now();
    const result = await train({ ...setup, ...opened, engine });
    return { run: opened.run, result, seconds: (performance.now() - start) / 1000 };
  } finally {
    await opened?.run.unlock();
    await engine.close();
  }
}

/**
 * Makes a run directory with the config in it; the run is locked by this process.
 * @param path default `runs/<time>-<model>-<dataset>`
 * @throws UserError if it holds a run already, another process writes it, or it cannot be made
 */
export async function createRun(
  config: TrainConfig,
  dataset: ImageDataset,
  path?: string,
): Promise<RunDirectory> {
  const run = await RunDirectory.create(`${config.model}-${dataset.name}`, path);
  await run.lock();
  // Another process may have made and finished it meanwhile.
  await RunDirectory.create(dataset.name, run.path);
  await run.writeConfig(runConfig(config, dataset));
  return run;
}

/** All that a run's config.json states; what is off is left out, so that runs made before it have the same. */
export function runConfig(config: TrainConfig, dataset: ImageDataset): Record<string, unknown> {
  const { precision, cycleMomentum, progressive, ...rest } = config;
  return {
    ...rest,
    ...(precision === 'fp32' ? {} : { precision }),
    ...(cycleMomentum ? { cycleMomentum } : {}),
    ...(progressive.length === 0 ? {} : { progressive }),
    ...datasetRecord(dataset, config.trainImages),
  };
}
