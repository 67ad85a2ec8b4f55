import type { Graph, ValueInfo } from '../graph.ts';

/** Declares a named batch size, the first dimension of every input and output, to be `batch`. */
export function fixBatch(graph: Graph, batch: number): Graph {
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch must be positive, not ${batch}`);
  const fixed = (value: ValueInfo): ValueInfo => {
    const [first, ...rest] = value.dims;
    return { ...value, dims: typeof first === 'string' ? [batch, ...rest] : value.dims };
  };
  return { ...graph, inputs: graph.inputs.map(fixed), outputs: graph.outputs.map(fixed) };
}
