import { errorMessage, UserError } from '../errors.ts';
import { sizeOf, type TensorData } from '../onnx/graph.ts';
import { toFloat32 } from '../weights/float-formats.ts';
import { toFloat16 } from '../weights/to-float16.ts';
import { LUMA } from './adapt-model.ts';
import { sameScores } from './batch-trial.ts';
import type { ModelInterface, RunnableModel } from './interface.ts';

/**
 * Runs a model as its makers wrote it on a picture, and compares what it gives with what the adapted one gave: all
 * that lies between (reading the file, writing it again, what was put before and after it) must have changed nothing.
 * @param original the file's bytes
 * @param picture [3, height, width] as the adapted model takes it
 * @param expected what that gave for it, before its scores were made ours
 * @throws UserError if they differ
 */
export async function checkAgreement(
  original: Uint8Array,
  plan: ModelInterface,
  picture: Float32Array,
  expected: readonly number[],
  open: (bytes: Uint8Array) => Promise<RunnableModel>,
  source: string,
): Promise<void> {
  let given: number[];
  let model: RunnableModel | undefined;
  try {
    model = await open(original);
    const { data, dims } = ownInput(plan, picture);
    const { input, inputType, output } = plan;
    given = scoresOf((await model.run(data, dims, { input, inputType, output })).data, plan);
  } catch (error) {
    throw new UserError(`${source}: onnxruntime does not take it: ${errorMessage(error).split('\n')[0]}`);
  } finally {
    await model?.close();
  }
  if (sameScores(given, expected)) return;
  const some = (scores: readonly number[]) =>
    scores.slice(0, 3).map((score) => String(Number(score.toPrecision(4))));
  throw new UserError(
    `${source} cannot be served: it gives ${some(given).join(', ')}, ... for a picture, and ` +
      `${some(expected).join(', ')}, ... once adapted to the server's interface; export it again, with float32 input and output`,
  );
}

/** A picture as the model itself takes it. */
function ownInput(
  { color, layout, inputType, inputQuantization, height, width }: ModelInterface,
  picture: Float32Array,
): { data: TensorData; dims: number[] } {
  const size = height * width;
  const planes = [0, 1, 2].map((channel) => picture.subarray(channel * size, (channel + 1) * size));
  if (color === 'BGR') planes.reverse();
  const [red, green, blue] = planes as [Float32Array, Float32Array, Float32Array];
  const channels =
    color === 'gray'
      ? [Float32Array.from(red, (value, i) => LUMA[0] * value + LUMA[1] * green[i]! + LUMA[2] * blue[i]!)]
      : planes;
  const dims = layout === 'NCHW' ? [1, channels.length, height, width] : [1, height, width, channels.length];
  const values = Float32Array.from({ length: sizeOf(dims) }, (_, i) =>
    layout === 'NCHW'
      ? channels[Math.floor(i / size)]![i % size]!
      : channels[i % channels.length]![Math.floor(i / channels.length)]!,
  );
  const whole = (value: number): number => {
    if (!inputQuantization) return Math.round(value);
    const [least, largest] = inputType === 'int8' ? [-128, 127] : [0, 255];
    const { scale, zeroPoint } = inputQuantization;
    return Math.min(largest, Math.max(least, Math.round(value / scale) + zeroPoint));
  };
  switch (inputType) {
    case 'uint8':
      return { dims, data: Uint8Array.from(values, whole) };
    case 'int8':
      return { dims, data: Int8Array.from(values, whole) };
    case 'int32':
      return { dims, data: Int32Array.from(values, whole) };
    case 'float64':
      return { dims, data: Float64Array.from(values) };
    case 'float16':
      return { dims, data: toFloat16(values) };
    default:
      return { dims, data: values };
  }
}

/** What a model gives, as numbers. */
function scoresOf(
  data: ArrayLike<number | bigint>,
  { outputType, outputQuantization }: ModelInterface,
): number[] {
  if (outputQuantization) {
    const { scale, zeroPoint } = outputQuantization;
    return Array.from(data, (value) => (Number(value) - zeroPoint) * scale);
  }
  if (outputType === 'float16' && data instanceof Uint16Array) {
    return Array.from(toFloat32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 'float16'));
  }
  return Array.from(data, Number);
}
