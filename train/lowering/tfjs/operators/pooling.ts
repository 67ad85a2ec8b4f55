import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { type GraphNode, intAttribute, intsAttribute, sizeOf } from '../../../../core/onnx/graph.ts';
import { TRAINING } from '../../../gradients/training-graph.ts';
import type { TfjsOperator } from '../interpreter.ts';
import type { Kernels } from '../kernels.ts';
import { channelsLast, dimsOf, inChannelsLast, plain, toChannelsLast, toPlain } from '../value.ts';
import { readWindows, type Window } from '../window.ts';

/** What a pool slides over an image: windows one beside the other, or wider apart, but without holes. */
interface Pool {
  windows: [Window, Window];
  /** Of the image, so that the last windows are whole. */
  margins: [number, number][];
  attributes: Record<string, { ints: readonly number[] } | string>;
}

function poolOf(node: GraphNode, [, , height, width]: readonly number[]): Pool {
  const kernel = intsAttribute(node, 'kernel_shape', []) as [number, number];
  const windows = readWindows(node, [height!, width!], kernel);
  const margins = windows.map(({ before, count, stride, kernel, size }): [number, number] => {
    // A negative margin: what no window reads is cut.
    return [before, (count - 1) * stride + kernel - size - before];
  });
  return {
    windows,
    margins: [[0, 0], ...margins, [0, 0]],
    attributes: {
      ksize: { ints: [1, windows[0].kernel, windows[1].kernel, 1] },
      strides: { ints: [1, windows[0].stride, windows[1].stride, 1] },
      padding: 'VALID',
      data_format: 'NHWC',
    },
  };
}

const padded = (k: Kernels, x: Tensor, margins: Pool['margins'], value: number) =>
  k.pad(
    x,
    margins.map(([before, after]) => [before, Math.max(0, after)]),
    value,
  );

/** The gradient of an image for that of the padded one. */
const unpadded = (k: Kernels, dx: Tensor, { margins }: Pool, shape: readonly number[]) =>
  k.slice(
    dx,
    margins.map(([before]) => before),
    shape,
  );

/** Below every number of an image. */
const LOWEST = -3.4028234663852886e38;

const maxPool: TfjsOperator = ({ k, node, input }) => {
  const x = input(0);
  const { margins, attributes } = poolOf(node, dimsOf(x));
  return channelsLast(k.run('MaxPool', [padded(k, toChannelsLast(k, x), margins, LOWEST)], attributes));
};

/** To the first of equal values. */
const maxPoolGrad: TfjsOperator = ({ k, node, input }) => {
  const [dy, x, y] = [input(0), input(1), input(2)];
  const pool = poolOf(node, dimsOf(x));
  const image = toChannelsLast(k, x);
  const inputs = [padded(k, image, pool.margins, LOWEST), toChannelsLast(k, y), toChannelsLast(k, dy)];
  return channelsLast(unpadded(k, k.run('MaxPoolGrad', inputs, pool.attributes), pool, image.shape));
};

/** By how much more than the mean over a whole window each place of an average is, [1, H, W, 1]; undefined: by none. */
function shares(k: Kernels, node: GraphNode, { windows }: Pool): Tensor | undefined {
  const includesPads = intAttribute(node, 'count_include_pad', 0) === 1;
  const [rows, columns] = windows.map(({ size, before, after, kernel, stride, count }) =>
    Array.from({ length: count }, (_, i) => {
      const start = i * stride - before;
      const [first, last] = includesPads ? [-before, size + after] : [0, size];
      return kernel / (Math.min(start + kernel, last) - Math.max(start, first));
    }),
  ) as [number[], number[]];
  if ([...rows, ...columns].every((share) => share === 1)) return undefined;
  const values = rows.flatMap((row) => columns.map((column) => row * column));
  return k.tf.tensor4d(values, [1, rows.length, columns.length, 1]);
}

const averagePool: TfjsOperator = ({ k, node, input }) => {
  const x = input(0);
  const pool = poolOf(node, dimsOf(x));
  const mean = k.run('AvgPool', [padded(k, toChannelsLast(k, x), pool.margins, 0)], pool.attributes);
  const share = shares(k, node, pool);
  return channelsLast(share ? k.mul(mean, share) : mean);
};

const averagePoolGrad: TfjsOperator = ({ k, node, input, inputs }) => {
  const dims = dimsOf(inputs[1]!);
  const pool = poolOf(node, dims);
  const gradient = toChannelsLast(k, input(0));
  const share = shares(k, node, pool);
  const dy = share ? k.mul(gradient, share) : gradient;
  const shape = inChannelsLast(dims);
  const whole = shape.map(
    (size, axis) => size + pool.margins[axis]![0] + Math.max(0, pool.margins[axis]![1]),
  );
  return channelsLast(
    unpadded(
      k,
      k.run('AvgPoolGrad', [k.integers(whole), dy], { ...pool.attributes, T: { type: 'float32' } }),
      pool,
      shape,
    ),
  );
};

/** Over all axes but the first two, of whichever number. */
const overImage =
  (name: string): TfjsOperator =>
  ({ k, input }) => {
    const x = input(0);
    if (x.layout === 'plain' && x.tensor.rank !== 4) {
      return plain(k.reduce(name, x.tensor, [...x.tensor.shape.keys()].slice(2)));
    }
    return channelsLast(k.reduce(name, toChannelsLast(k, x), [1, 2]));
  };

const globalAveragePoolGrad: TfjsOperator = ({ k, input, inputs }) => {
  const dims = dimsOf(inputs[1]!);
  const share = (dy: Tensor) => k.div(dy, sizeOf(dims.slice(2)));
  if (dims.length !== 4) return plain(k.broadcast(share(toPlain(k, input(0))), dims));
  return channelsLast(k.broadcast(share(toChannelsLast(k, input(0))), inChannelsLast(dims)));
};

export const POOLING: Readonly<Record<string, TfjsOperator>> = {
  AveragePool: averagePool,
  GlobalAveragePool: overImage('Mean'),
  GlobalMaxPool: overImage('Max'),
  MaxPool: maxPool,
  [`${TRAINING}.AveragePoolGrad`]: averagePoolGrad,
  [`${TRAINING}.GlobalAveragePoolGrad`]: globalAveragePoolGrad,
  [`${TRAINING}.MaxPoolGrad`]: maxPoolGrad,
};
