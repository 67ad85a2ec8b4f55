import { InferenceSession, Tensor } from 'onnxruntime-node';
import { UserError } from '../core/errors.ts';
import { decodeMetadata } from '../core/model-metadata.ts';
import { type Graph, sizeOf } from '../core/onnx/graph.ts';
import { decodeModel, encodeModel, OPSET_VERSION } from '../core/onnx/model-file.ts';
import { Random } from '../core/random.ts';

/** The largest relative difference an exported model may have; folding costs about 1e-6 in float32. */
export const TOLERANCE = 1e-4;

/** One image, and a batch of an odd size: a batch dimension that is not dynamic shows. */
const BATCH_SIZES = [1, 5];

/**
 * Checks a model file before it is written: it decodes, its metadata is readable, and onnxruntime computes
 * the same logits from it, on seeded random images, as from the graph it was made of. That graph runs with
 * onnxruntime's optimisations off, so that its batch norms are computed as they stand.
 * @param bytes the encoded model
 * @param reference the graph with the checkpoint's weights, before any pass
 * @returns the largest difference of a logit, relative to the largest logit of its batch
 * @throws UserError if the difference is over {@link TOLERANCE} or not a number
 */
export async function verifyModel(bytes: Uint8Array, reference: Graph, source: string): Promise<number> {
  const { graph, metadata, opset } = decodeModel(bytes, source);
  decodeMetadata(metadata, source);
  if (opset !== OPSET_VERSION) throw new Error(`the encoded model has opset ${opset}, not ${OPSET_VERSION}`);
  const input = graph.inputs[0]!;
  const imageDims = input.dims.slice(1).map(Number);
  const exported = await InferenceSession.create(bytes);
  try {
    const plain = await InferenceSession.create(encodeModel(reference), {
      graphOptimizationLevel: 'disabled',
    });
    try {
      let worst = 0;
      for (const batch of BATCH_SIZES) {
        const images = randomImages([batch, ...imageDims], batch);
        const difference = relativeDifference(await logits(exported, images), await logits(plain, images));
        // Not `difference > TOLERANCE`: NaN, of weights that are not finite, must not pass.
        if (!(difference <= TOLERANCE)) throw new UserError(explain(difference, batch, source));
        worst = Math.max(worst, difference);
      }
      return worst;
    } finally {
      await plain.release();
    }
  } finally {
    await exported.release();
  }
}

function explain(difference: number, batch: number, source: string): string {
  if (Number.isNaN(difference)) {
    return `${source} was not written: its logits are not finite numbers; the run diverged, train with a lower --lr`;
  }
  return (
    `${source} was not written: its logits differ from the checkpoint's by ${difference.toExponential(1)} ` +
    `at batch size ${batch}, where ${TOLERANCE} is allowed; the weights are too extreme to export in float32`
  );
}

function randomImages(dims: readonly number[], seed: number): Tensor {
  const random = new Random(seed);
  const data = Float32Array.from({ length: sizeOf(dims) }, () => random.normal());
  return new Tensor('float32', data, dims);
}

async function logits(session: InferenceSession, images: Tensor): Promise<Float32Array> {
  const result = await session.run({ input: images }, ['logits']);
  return result.logits!.data as Float32Array;
}

/** max |actual - expected| / max |expected|; NaN if any value is not finite or the lengths differ. */
function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.NaN;
  let difference = 0;
  let size = 0;
  for (const [i, value] of expected.entries()) {
    // Math.max keeps a NaN.
    difference = Math.max(difference, Math.abs(actual[i]! - value));
    size = Math.max(size, Math.abs(value));
  }
  if (!Number.isFinite(size)) return Number.NaN;
  return difference === 0 ? 0 : difference / size;
}
