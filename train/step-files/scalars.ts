import type { TensorFile } from '../../core/weights/safetensors.ts';
import type { OptimizerConfig } from '../optim/config.ts';
import { updateScalars } from '../optim/config.ts';
import { learningRateAt, type ScheduleConfig } from '../schedule/schedule.ts';

/**
 * The update's scalar inputs for every step of a run, a vector each: schedule, bias corrections and the
 * warm-up of the average are worked out here, once, so that who drives the graphs needs no formula.
 */
export function scalarTable(
  config: ScheduleConfig,
  optimizer: OptimizerConfig,
  stepsPerEpoch: number,
): TensorFile['tensors'] {
  const steps = config.epochs * stepsPerEpoch;
  const names = Object.keys(updateScalars(optimizer, 0, 1));
  const table: TensorFile['tensors'] = new Map(
    names.map((name) => [name, { dims: [steps], data: new Float32Array(steps) }]),
  );
  for (let step = 0; step < steps; step++) {
    const scalars = updateScalars(optimizer, learningRateAt(config, stepsPerEpoch, step), step + 1);
    for (const [name, value] of Object.entries(scalars)) table.get(name)!.data[step] = value;
  }
  return table;
}
