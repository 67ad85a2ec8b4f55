import type { Graph } from '../../../core/onnx/graph.ts';
import type { Segment, VectorLayout } from '../../state.ts';

type Dims4 = readonly [number, number, number, number];

/** ONNX's [out, in, H, W] as TensorFlow's [H, W, in, out]. */
export function filterDims([outChannels, inChannels, height, width]: readonly number[]): number[] {
  return [height!, width!, inChannels!, outChannels!];
}

/**
 * The order in which TensorFlow's convolutions read their filters. A training state on the device is kept in it:
 * each step would have to transpose every filter there, and its gradient back, which takes a tenth of its time. The
 * optimiser does not see the difference, it treats the values of a parameter alike.
 */
export class FilterOrder {
  /** Parameters that only convolutions read, as their filter. */
  readonly #filters: readonly Segment[];
  readonly #names: ReadonlySet<string>;

  constructor(
    model: Graph,
    private readonly layout: VectorLayout,
  ) {
    const [filters, others] = [new Set<string>(), new Set<string>()];
    for (const { op, inputs } of model.nodes) {
      inputs.forEach((name, i) => {
        (op === 'Conv' && i === 1 ? filters : others).add(name);
      });
    }
    this.#filters = layout.parameters.filter(({ name }) => filters.has(name) && !others.has(name));
    this.#names = new Set(this.#filters.map(({ name }) => name));
  }

  isFilter(name: string): boolean {
    return this.#names.has(name);
  }

  /** A copy of a state's vector as it is on the device; one that is not of all parameters has no filters. */
  toDevice(vector: Float32Array): Float32Array {
    return this.#permuted(vector, (dims, from, to) => transpose(from, to, dims, [2, 3, 1, 0]));
  }

  /** The way back. */
  fromDevice(vector: Float32Array): Float32Array {
    return this.#permuted(vector, (dims, from, to) => {
      transpose(from, to, filterDims(dims) as unknown as Dims4, [3, 2, 0, 1]);
    });
  }

  #permuted(
    vector: Float32Array,
    permute: (dims: Dims4, from: Float32Array, to: Float32Array) => void,
  ): Float32Array {
    const result = vector.slice();
    if (vector.length !== this.layout.parameterSize) return result;
    for (const { dims, offset, size } of this.#filters) {
      const part = (whole: Float32Array) => whole.subarray(offset, offset + size);
      permute(dims as unknown as Dims4, part(vector), part(result));
    }
    return result;
  }
}

/** Writes `from`, of the dims, to `to` with its axes in the new order. */
function transpose(from: Float32Array, to: Float32Array, dims: Dims4, axes: Dims4): void {
  const strides = [dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1];
  const [a, b, c, d] = axes.map((axis) => dims[axis]!) as unknown as Dims4;
  const [sa, sb, sc, sd] = axes.map((axis) => strides[axis]!) as unknown as Dims4;
  let at = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        const start = i * sa + j * sb + k * sc;
        for (let l = 0; l < d; l++) to[at++] = from[start + l * sd]!;
      }
    }
  }
}
