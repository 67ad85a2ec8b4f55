import { encodeModel } from '../../../core/onnx/encode-model.ts';
import { cloneGraph, type Graph, int } from '../../../core/onnx/graph.ts';
import { openSession, Tensor } from '../../../core/runtime/session.ts';

/** How far a bias may be moved; a batch norm's outputs spread by about 1. */
const REACH = 0.5;

/**
 * Moves the biases of batch norm, in place, so that on the given batches no input of a ReLU is near zero: of each
 * channel's values the widest gap within {@link REACH} gets zero in its middle. ReLU's gradient jumps there, and
 * where an input lies within rounding of it two correct float32 runs may land on different sides.
 * @param batches images, [batch, 3, size, size]; each is normalised by its own statistics, as in training
 * @returns the smallest distance from zero that is left
 */
export async function clearKinks(
  model: Graph,
  batches: readonly Float32Array[],
  dims: readonly number[],
): Promise<number> {
  const layers = layersOf(model);
  const session = await openSession(encodeModel(probeOf(model, layers)), {
    graphOptimizationLevel: 'basic',
  });
  let smallest = Number.POSITIVE_INFINITY;
  try {
    for (const { input, bias } of layers) {
      const found: Float32Array[] = [];
      const biases = Object.fromEntries(layers.map((layer) => [layer.bias, biasTensor(model, layer.bias)]));
      for (const images of batches) {
        const { [input]: values } = await session.run(
          { ...biases, [model.inputs[0]!.name]: new Tensor('float32', images, dims) },
          [input],
        );
        found.push(values!.data as Float32Array);
      }
      const { data } = model.initializers.get(bias)!;
      for (let channel = 0; channel < data.length; channel++) {
        const values = found.flatMap((batch) => channelOf(batch, channel, data.length, dims[0]!));
        const { shift, margin } = widestGap(values);
        data[channel] = Number(data[channel]) + shift;
        smallest = Math.min(smallest, margin);
      }
    }
  } finally {
    await session.release();
  }
  return smallest;
}

/** A ReLU's input and the bias that moves it, channel by channel. */
interface Layer {
  input: string;
  bias: string;
}

/** In the order of the graph, so that what is moved disturbs only what comes after it. */
function layersOf(model: Graph): Layer[] {
  const producers = new Map(model.nodes.map((node) => [node.outputs[0]!, node]));
  return model.nodes
    .filter((node) => node.op === 'Relu')
    .map((node) => {
      const input = node.inputs[0]!;
      let producer = producers.get(input)!;
      if (producer.op === 'Add') producer = producers.get(producer.inputs[0]!)!;
      if (producer.op !== 'BatchNormalization') throw new Error(`${producer.op} before ${node.name}`);
      return { input, bias: producer.inputs[2]! };
    });
}

/** The net with batch statistics, its biases as inputs and every ReLU's input as an output. */
function probeOf(model: Graph, layers: readonly Layer[]): Graph {
  const probe = cloneGraph(model);
  for (const node of probe.nodes) {
    if (node.op !== 'BatchNormalization') continue;
    node.attributes = { ...node.attributes, training_mode: int(1) };
    node.outputs.push(`${node.name}.mean`, `${node.name}.variance`);
  }
  for (const { bias } of layers) {
    probe.inputs.push({ name: bias, dtype: 'float32', dims: probe.initializers.get(bias)!.dims });
    probe.initializers.delete(bias);
  }
  const dims = ['n', 'c', 'h', 'w'];
  probe.outputs = layers.map(({ input }) => ({ name: input, dtype: 'float32', dims }));
  return probe;
}

function biasTensor(model: Graph, name: string): Tensor {
  const { data, dims } = model.initializers.get(name)!;
  return new Tensor('float32', data as Float32Array, dims);
}

function channelOf(values: Float32Array, channel: number, channels: number, batch: number): number[] {
  const pixels = values.length / batch / channels;
  return Array.from({ length: batch }, (_, n) =>
    Array.from(values.subarray((n * channels + channel) * pixels, (n * channels + channel + 1) * pixels)),
  ).flat();
}

/** Where to move all values so that zero is as far as it gets from any of them. */
function widestGap(values: readonly number[]): { shift: number; margin: number } {
  const edges = [...values.filter((value) => Math.abs(value) < REACH), -REACH, REACH].sort((a, b) => a - b);
  let [shift, margin] = [0, 0];
  for (let i = 1; i < edges.length; i++) {
    const half = (edges[i]! - edges[i - 1]!) / 2;
    if (half > margin) [shift, margin] = [-(edges[i]! + edges[i - 1]!) / 2, half];
  }
  return { shift, margin };
}
