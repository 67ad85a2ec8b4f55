import { UserError } from '../../../core/errors.ts';
import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { Random } from '../../../core/random.ts';
import { openSession, tensor } from '../../../core/runtime/session.ts';
import '../worker/runtime.ts';

/** Folding batch norm costs about 1e-6 in float32. */
const TOLERANCE = 1e-4;
const BATCH = 3;

/**
 * Checks a model file against the graph it was made of, on random pictures.
 * @throws UserError if their scores differ, or are not numbers
 */
export async function checkExport(file: Uint8Array, graph: Graph): Promise<void> {
  const dims = [BATCH, ...graph.inputs[0]!.dims.slice(1).map(Number)];
  const random = new Random(1);
  const images = Float32Array.from({ length: sizeOf(dims) }, () => random.normal());
  const [actual, expected] = [await run(file, images, dims), await run(encodeModel(graph), images, dims)];
  const size = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6);
  const agrees = expected.every((value, i) => Math.abs(value - actual[i]!) <= TOLERANCE * size);
  if (!agrees)
    throw new UserError(
      'What was learnt is not usable: its scores are not numbers; train again with fewer epochs.',
    );
}

async function run(file: Uint8Array, images: Float32Array, dims: readonly number[]): Promise<Float32Array> {
  const session = await openSession(file);
  try {
    const { logits } = await session.run({ input: tensor(images, dims) });
    return logits!.data as Float32Array;
  } finally {
    await session.release();
  }
}
