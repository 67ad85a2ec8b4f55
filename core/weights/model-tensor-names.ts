/** Entries of our checkpoints that are the optimiser's state. */
const OPTIMIZER = /^optimizer\./;
/** Those that are a moving average of the weights, which is what a run is evaluated and exported with. */
const AVERAGED = /^ema\./;

/**
 * Which tensors of a checkpoint are the model's: not the optimiser's, and averaged ones where an average is
 * kept.
 * @returns by the tensors' names in the checkpoint, those in the model
 */
export function modelTensorNames(names: readonly string[]): Map<string, string> {
  const own = names.filter((name) => !OPTIMIZER.test(name));
  const averaged = own.filter((name) => AVERAGED.test(name));
  if (averaged.length === 0) return new Map(own.map((name) => [name, name]));
  return new Map(averaged.map((name) => [name, name.replace(AVERAGED, '')]));
}
