import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { type GraphNode, intAttribute, intsAttribute, sizeOf } from '../../../../core/onnx/graph.ts';
import { TRAINING } from '../../../gradients/training-graph.ts';
import type { Kernels } from '../kernels.ts';
import type { TfjsOperator } from '../operator.ts';
import { channelsLast, dimsOf, inChannelsLast, plain, toChannelsLast, toPlain } from '../value.ts';
import { readWindows, type Window } from '../window.ts';

/** A pool as TensorFlow's kernels know it: its image is padded before, and windows with holes are laid out whole. */
interface Pool {
  windows: [Window, Window];
  margins: [number, number][];
  /** For each spatial axis the places of the padded image that its windows read, one window after the other. */
  places: [number[] | undefined, number[] | undefined];
  attributes: Record<string, { ints: readonly number[] } | string>;
}

function poolOf(node: GraphNode, [, , height, width]: readonly number[]): Pool {
  const windows = readWindows(node, [height!, width!], intsAttribute(node, 'kernel_shape', []));
  const margins = windows.map(({ before, count, stride, kernel, dilation, size }): [number, number] => {
    // What no window reads may be left over.
    return [before, Math.max(0, (count - 1) * stride + dilation * (kernel - 1) + 1 - size - before)];
  });
  const hasHoles = windows.some(({ dilation }) => dilation > 1);
  const places = windows.map(({ count, kernel, stride, dilation }) =>
    hasHoles
      ? Array.from(
          { length: count * kernel },
          (_, i) => Math.floor(i / kernel) * stride + (i % kernel) * dilation,
        )
      : undefined,
  );
  return {
    windows,
    margins: [[0, 0], ...margins, [0, 0]],
    places: places as Pool['places'],
    attributes: {
      ksize: { ints: [1, windows[0].kernel, windows[1].kernel, 1] },
      strides: { ints: [1, ...windows.map(({ kernel, stride }) => (hasHoles ? kernel : stride)), 1] },
      padding: 'VALID',
      data_format: 'NHWC',
    },
  };
}

/** What the kernels are given for an image [N, H, W, C]. */
function read(k: Kernels, image: Tensor, { margins, places }: Pool, padding: number): Tensor {
  return places.reduce(
    (x: Tensor, from, i) => (from ? k.gather(x, k.integers(from), i + 1) : x),
    k.pad(image, margins, padding),
  );
}

/** The gradient of an image for that of what the kernels are given. */
function unread(k: Kernels, gradient: Tensor, { margins, places }: Pool, shape: readonly number[]): Tensor {
  const padded = places.reduce((dx: Tensor, from, i) => {
    if (!from) return dx;
    const axis = i + 1;
    const order = [axis, ...[0, 1, 2, 3].filter((other) => other !== axis)];
    const size = shape[axis]! + margins[axis]![0] + margins[axis]![1];
    const rows = k.transpose(dx, order);
    const none = k.tf.zeros([size, ...rows.shape.slice(1)]);
    const indices = k.integers(from.map((place) => [place]));
    const sums = k.run('TensorScatterAdd', [none, indices, rows], { Tindices: { type: 'int32' } });
    return k.transpose(
      sums,
      [0, 1, 2, 3].map((other) => order.indexOf(other)),
    );
  }, gradient);
  return k.slice(
    padded,
    margins.map(([before]) => before),
    shape,
  );
}

/** Below every number of an image. */
const LOWEST = -3.4028234663852886e38;

const maxPool: TfjsOperator = ({ k, node, input }) => {
  const x = input(0);
  const pool = poolOf(node, dimsOf(x));
  return channelsLast(k.run('MaxPool', [read(k, toChannelsLast(k, x), pool, LOWEST)], pool.attributes));
};

/** To the first of equal values. */
const maxPoolGrad: TfjsOperator = ({ k, node, input }) => {
  const [dy, x, y] = [input(0), input(1), input(2)];
  const pool = poolOf(node, dimsOf(x));
  const image = toChannelsLast(k, x);
  const inputs = [read(k, image, pool, LOWEST), toChannelsLast(k, y), toChannelsLast(k, dy)];
  return channelsLast(unread(k, k.run('MaxPoolGrad', inputs, pool.attributes), pool, image.shape));
};

/** By how much more than the mean over a whole window each place of an average is, [1, H, W, 1]; undefined: by none. */
function shares(k: Kernels, node: GraphNode, { windows }: Pool): Tensor | undefined {
  const includesPads = intAttribute(node, 'count_include_pad', 0) === 1;
  const [rows, columns] = windows.map(({ size, before, after, kernel, stride, dilation, count }) => {
    const [first, end] = includesPads ? [-before, size + after] : [0, size];
    return Array.from({ length: count }, (_, i) => {
      const taps = Array.from({ length: kernel }, (_, tap) => i * stride - before + tap * dilation);
      return kernel / taps.filter((place) => place >= first && place < end).length;
    });
  }) as [number[], number[]];
  if ([...rows, ...columns].every((share) => share === 1)) return undefined;
  const values = rows.flatMap((row) => columns.map((column) => row * column));
  return k.tf.tensor4d(values, [1, rows.length, columns.length, 1]);
}

const averagePool: TfjsOperator = ({ k, node, input }) => {
  const x = input(0);
  const pool = poolOf(node, dimsOf(x));
  const mean = k.run('AvgPool', [read(k, toChannelsLast(k, x), pool, 0)], pool.attributes);
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
  const whole = shape.map((size, axis) => {
    const [before, after] = pool.margins[axis]!;
    return pool.places[axis - 1]?.length ?? before + size + after;
  });
  const attributes = { ...pool.attributes, T: { type: 'float32' } } as const;
  return channelsLast(unread(k, k.run('AvgPoolGrad', [k.integers(whole), dy], attributes), pool, shape));
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
