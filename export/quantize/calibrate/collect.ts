import { UserError } from '../../../core/errors.ts';
import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { encodeModel, encodeMoreOutputs } from '../../../core/onnx/model-file.ts';
import { quantizedOperator } from '../../../core/onnx/operators/index.ts';
import { inferShapes } from '../../../core/onnx/shape-inference.ts';
import { openSession, Tensor } from '../../../core/runtime/session.ts';
import type { CalibrationBatch, QuantizeOptions } from '../options.ts';

/** Values that one run may hand over, in bytes: batches are cut so that they stay below. */
const RUN_BYTES = 64 * 2 ** 20;

/** Sums of a value's channels, which are its second dimension. */
class ChannelSums {
  #sums = new Float64Array(0);
  #count = 0;

  add(values: Float32Array, dims: readonly number[]): void {
    const [batch = 1, channels = 1, ...image] = dims;
    const size = sizeOf(image);
    if (this.#sums.length === 0) this.#sums = new Float64Array(channels);
    for (let at = 0, row = 0; row < batch * channels; row++) {
      let sum = 0;
      for (const end = at + size; at < end; at++) sum += values[at]!;
      this.#sums[row % channels]! += sum;
    }
    this.#count += batch * size;
  }

  means(): Float64Array {
    return this.#sums.map((sum) => sum / this.#count);
  }
}

/**
 * Runs a float32 graph on calibration images, with the named values as outputs, and gathers a histogram of
 * each and the means of its channels. Memory does not grow with the number of images.
 * @returns the histograms, the means, and how many images there were
 * @throws UserError if there are none, or a value is not finite
 */
export async function collectHistograms(
  graph: Graph,
  names: readonly string[],
  batches: Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>,
  options: Pick<QuantizeOptions, 'threads' | 'foreign'> & {
    onProgress?: ((images: number) => void) | undefined;
  } = {},
): Promise<{ histograms: Map<string, Histogram>; means: Map<string, Float64Array>; images: number }> {
  const { foreign } = options;
  const input = graph.inputs[0]!;
  const imageDims = imageDimsOf(graph, foreign);
  const computed = names.filter((name) => name !== input.name);
  const { bytes, perRun } = foreign
    ? // Their sizes are not known: an image at a time is safe.
      { bytes: withOutputs(graph, [...computed, graph.outputs[0]!.name], foreign), perRun: 1 }
    : ownModel(graph, computed);

  const histograms = new Map(names.map((name) => [name, new Histogram()]));
  const sums = new Map(names.map((name) => [name, new ChannelSums()]));
  const count = (name: string, values: Float32Array, dims: readonly number[]): void => {
    sums.get(name)?.add(values, dims);
    try {
      histograms.get(name)?.add(values);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UserError(`cannot calibrate "${name}": ${error.message}; are the weights damaged?`);
    }
  };
  const session = await openSession(bytes, { threads: options.threads });
  let images = 0;
  try {
    for await (const batch of batches) {
      const imageLength = sizeOf(imageDims);
      for (let first = 0; first < batch.size; first += perRun) {
        const size = Math.min(perRun, batch.size - first);
        const values = batch.images.subarray(first * imageLength, (first + size) * imageLength);
        const dims = foreign?.oneImage ? imageDims : [size, ...imageDims];
        count(input.name, values, dims);
        const results = await session.run({ [input.name]: new Tensor('float32', values, dims) });
        for (const name of computed) {
          const value = results[name]!;
          count(name, value.data as Float32Array, value.dims);
        }
      }
      images += batch.size;
      options.onProgress?.(images);
    }
  } finally {
    await session.release();
  }
  if (images === 0) throw new UserError('there are no images to calibrate with; give at least one');
  return { histograms, means: new Map([...sums].map(([name, each]) => [name, each.means()])), images };
}

function ownModel(graph: Graph, computed: readonly string[]): { bytes: Uint8Array; perRun: number } {
  const shapes = inferShapes(graph);
  const outputs = computed.map((name) => ({ name, ...shapes.get(name)! }));
  const valuesPerImage = outputs.reduce((sum, { dims }) => sum + sizeOf(dims.slice(1).map(Number)), 0);
  return {
    bytes: encodeModel({ ...graph, outputs }),
    perRun: Math.max(1, Math.floor(RUN_BYTES / (4 * valuesPerImage))),
  };
}

type Foreign = NonNullable<QuantizeOptions['foreign']>;

/** A graph's bytes with other outputs, whose types onnxruntime works out. */
function withOutputs(graph: Graph, names: readonly string[], { encode }: Foreign): Uint8Array {
  return Buffer.concat([encodeModel({ ...graph, outputs: [] }, {}, encode), encodeMoreOutputs(names)]);
}

function imageDimsOf({ inputs }: Graph, foreign: Foreign | undefined): number[] {
  const { dims } = inputs[0]!;
  return (foreign?.oneImage ? dims : dims.slice(1)).map(Number);
}

/**
 * Which values may be quantised in a graph of another program. Not those of other types, as it computes sizes with the
 * same operators; nor what follows its last layer, whose scores keep their precision so.
 */
export async function floatValues(graph: Graph, foreign: Foreign): Promise<(name: string) => boolean> {
  const excluded = new Set(afterLastLayer(graph));
  const read = graph.nodes.flatMap((node) =>
    (quantizedOperator(node, graph)?.activations ?? []).map((index) => node.inputs[index]!),
  );
  const input = graph.inputs[0]!;
  const names = [...new Set(read)].filter((name) => name !== input.name && !graph.initializers.has(name));
  if (names.length > 0) {
    const dims = imageDimsOf(graph, foreign);
    const image = new Tensor(
      'float32',
      new Float32Array(sizeOf(dims)),
      foreign.oneImage ? dims : [1, ...dims],
    );
    const session = await openSession(withOutputs(graph, names, foreign));
    try {
      const results = await session.run({ [input.name]: image });
      for (const name of names) if (results[name]?.type !== 'float32') excluded.add(name);
    } finally {
      await session.release();
    }
  }
  return (name) => !excluded.has(name);
}

/** The values from the last layer with weights to the scores. */
function afterLastLayer(graph: Graph): string[] {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const values: string[] = [];
  let name: string | undefined = graph.outputs[0]!.name;
  while (name !== undefined && values.length <= graph.nodes.length) {
    values.push(name);
    const node = producers.get(name);
    if (!node || quantizedOperator(node, graph)?.channelAxis !== undefined) break;
    name = node.inputs.find((each) => !graph.initializers.has(each));
  }
  return values;
}

/** Bins on either side of zero; doubling the range merges pairs, so half of them are in use at least. */
const HALF_BINS = 8192;

/**
 * A histogram of a stream of values whose range is not known beforehand. Bins are a power of two wide, with
 * an edge at zero; a value out of range doubles the width by merging pairs of bins, as often as needed. So
 * memory is fixed, counts are exact, and the order of the values makes no difference.
 *
 * Exact zeros, of which a ReLU makes many, are counted apart: a quantised tensor represents them exactly.
 */
export class Histogram {
  readonly counts = new Float64Array(2 * HALF_BINS);
  /** Values seen that are not zero. */
  nonZero = 0;
  zeros = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  #binWidth = 0;

  get binWidth(): number {
    return this.#binWidth;
  }

  /** The lower edge of a bin. */
  edge(bin: number): number {
    return (bin - HALF_BINS) * this.#binWidth;
  }

  /** @throws RangeError if a value is not finite */
  add(values: Float32Array): void {
    let min = this.min;
    let max = this.max;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!(Math.abs(value) < Number.POSITIVE_INFINITY)) throw new RangeError(`a value is ${value}`);
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.min = min;
    this.max = max;
    this.#reach(Math.max(-min, max));
    if (this.#binWidth === 0) {
      this.zeros += values.length;
      return;
    }
    const scale = 1 / this.#binWidth;
    let zeros = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === 0) zeros++;
      else this.counts[Math.floor(value * scale) + HALF_BINS]!++;
    }
    this.zeros += zeros;
    this.nonZero += values.length - zeros;
  }

  /** Widens the range until a magnitude lies below its end. */
  #reach(magnitude: number): void {
    if (!(magnitude > 0)) return;
    if (this.#binWidth === 0) this.#binWidth = 2 ** Math.floor(Math.log2(magnitude)) / HALF_BINS;
    while (magnitude >= this.#binWidth * HALF_BINS) this.#double();
  }

  #double(): void {
    const { counts } = this;
    // From the middle outwards, so that no bin is overwritten before it is read.
    for (let bin = 0; bin < HALF_BINS; bin++) {
      const right = HALF_BINS + 2 * bin;
      const left = HALF_BINS - 1 - 2 * bin;
      const inRange = 2 * bin < HALF_BINS;
      counts[HALF_BINS + bin] = inRange ? counts[right]! + counts[right + 1]! : 0;
      counts[HALF_BINS - 1 - bin] = inRange ? counts[left]! + counts[left - 1]! : 0;
    }
    this.#binWidth *= 2;
  }
}
