import { UserError } from '../../core/errors.ts';
import { type DataType, type Graph, sizeOf, type ValueInfo } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';
import { Tensor } from '../../core/runtime/session.ts';

/** Larger inputs are a mistake, or a graph made to fill the memory. */
const MAX_VALUES = 2 ** 28;

/** The sizes that are tried for the images of a model that takes any. */
export interface OpenSizes {
  batch: number;
  /** Height and width. */
  size: number;
}

/**
 * A graph with sizes for those its inputs leave open: the first is the batch, and of an image's others 3 are
 * the channels of the shorter side and the rest its height and width.
 */
export function withSizes(graph: Graph, { batch, size }: OpenSizes): Graph {
  const inputs = graph.inputs.map((input): ValueInfo => {
    const { dims } = input;
    const image = dims.length === 4;
    // Channels come last in models that have them there.
    const channels = image && typeof dims[3] === 'number' && dims[3] <= 4 ? 3 : 1;
    const fixed = dims.map((dim, axis) => {
      if (typeof dim === 'number') return dim;
      if (axis === 0) return batch;
      return image ? (axis === channels ? 3 : size) : 1;
    });
    return { ...input, dims: fixed };
  });
  return { ...graph, inputs };
}

/** Seeded values for every input of a graph whose sizes are known. @throws UserError for types without any */
export function randomFeeds(graph: Graph): Record<string, Tensor> {
  const random = new Random(1);
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }) => {
      const sizes = dims.map(Number);
      const length = sizeOf(sizes);
      if (!(length <= MAX_VALUES)) {
        throw new UserError(
          `the input "${name}" of [${sizes.join(', ')}] is too large; give a smaller --batch or --size`,
        );
      }
      return [
        name,
        new Tensor(dtype as 'float32', values(dtype, length, random, name) as Float32Array, sizes),
      ];
    }),
  );
}

function values(dtype: DataType, length: number, random: Random, name: string) {
  const normal = { length } as ArrayLike<unknown>;
  switch (dtype) {
    case 'float32':
      return Float32Array.from(normal, () => random.normal());
    case 'float64':
      return Float64Array.from(normal, () => random.normal());
    case 'uint8':
      return Uint8Array.from(normal, () => Math.floor(256 * random.uniform()));
    // Half precision of 1, and whatever is an index or a mask: 0.
    case 'float16':
      return new Uint16Array(length).fill(0x3c00);
    case 'int8':
      return new Int8Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new BigInt64Array(length);
    case 'bool':
      return new Uint8Array(length);
    default:
      throw new UserError(`the input "${name}" is of type ${dtype}, for which there are no values to try`);
  }
}
