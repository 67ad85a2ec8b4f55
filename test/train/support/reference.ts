import {
  floatAttribute,
  type Graph,
  type GraphNode,
  intAttribute,
  ints,
  intsAttribute,
  sizeOf,
} from '../../../core/onnx/graph.ts';
import { indexOf, MORE_OPERATORS, norm } from './operators64.ts';
import { broadcast, map, type Operator64, type Tensor64, type Values, zeros } from './tensor64.ts';

export type { Tensor64, Values } from './tensor64.ts';

/*
 * The operators that can be trained, as they act in training, in float64 and by the most obvious loops: what
 * the step graph is measured against. Nothing here is shared with the trainer but the graph's own types.
 */

/** Batch norm always normalises with the statistics of the batch. */
const OPERATORS: Readonly<Record<string, Operator64>> = {
  ...MORE_OPERATORS,
  Add: (_, [x, y]) => broadcast(x!, y!, (a, b) => a + b),
  Mul: (_, [x, y]) => broadcast(x!, y!, (a, b) => a * b),
  Relu: (_, [x]) => map(x!, (value) => Math.max(0, value)),
  Sigmoid: (_, [x]) => map(x!, (value) => 1 / (1 + Math.exp(-value))),
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Gemm: linear,
  BatchNormalization: batchNormalization,
  GlobalAveragePool: (_, [x]) => globalAveragePool(x!),
  MaxPool: (node, [x]) => pool(node, x!, (values) => Math.max(...values)),
  LpPool: (node, [x]) => pool(node, x!, norm(intAttribute(node, 'p', 2))),
  AveragePool: (node, [x]) =>
    pool(node, x!, (values, padding) => {
      const count = values.length + (intAttribute(node, 'count_include_pad', 0) === 1 ? padding : 0);
      return values.reduce((sum, value) => sum + value, 0) / count;
    }),
  Flatten: (node, [x]) => flatten(x!, intAttribute(node, 'axis', 1)),
};

/** The outputs of one node. */
export function evaluateNode(node: GraphNode, values: Values): Tensor64[] {
  const operator = OPERATORS[node.op];
  if (!operator) throw new Error(`the reference has no operator ${node.op}`);
  const inputs = node.inputs.map((name) => values.get(name)!);
  const axes = inputs[0]?.dims.length;
  if (SLIDING.includes(node.op) && axes === 3) return overOneAxis(node, values);
  if (node.op === 'Conv' && axes === 5) return [overVolume(node, inputs)];
  const outputs = operator(node, inputs);
  return Array.isArray(outputs) ? outputs : [outputs];
}

const SLIDING = ['Conv', 'ConvTranspose', 'MaxPool', 'AveragePool', 'LpPool'];

/** As over images one pixel high. */
function overOneAxis(node: GraphNode, values: Values): Tensor64[] {
  const lifted: Values = new Map(
    node.inputs.map((name) => {
      const { dims, data } = values.get(name)!;
      return [name, { data, dims: dims.length === 3 ? [dims[0]!, dims[1]!, 1, dims[2]!] : dims }];
    }),
  );
  const attributes = { ...node.attributes };
  for (const name of ['kernel_shape', 'strides', 'dilations']) {
    if (attributes[name]) attributes[name] = ints([1, ...intsAttribute(node, name, [])]);
  }
  const [begin, end] = intsAttribute(node, 'pads', [0, 0]);
  if (attributes.pads) attributes.pads = ints([0, begin!, 0, end!]);
  if (attributes.output_padding)
    attributes.output_padding = ints([0, ...intsAttribute(node, 'output_padding', [])]);
  if (attributes.output_shape)
    attributes.output_shape = ints([1, ...intsAttribute(node, 'output_shape', [])]);
  return evaluateNode({ ...node, attributes }, lifted).map(({ dims: [n, c, , l], data }) => ({
    dims: [n!, c!, l!],
    data,
  }));
}

/** All values of a graph, from those of its inputs and initializers. */
export function evaluateGraph64(graph: Graph, given: Values): Values {
  const values = new Map(given);
  for (const node of graph.nodes) setOutputs(node, values);
  return values;
}

/**
 * The same where one of the given values is another: what does not follow from it is taken over. A convolution is linear
 * in its images and in its weights, so to what it was the convolution of the difference is added: of one element's that
 * is little work.
 */
export function reevaluateGraph64(graph: Graph, before: Values, name: string, value: Tensor64): Values {
  const values = new Map(before).set(name, value);
  const changed = new Set([name]);
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => changed.has(input))) continue;
    const [x, weight, ...more] = node.inputs as [string, string];
    if (
      node.op === 'Conv' &&
      changed.has(x) !== changed.has(weight) &&
      !more.some((one) => changed.has(one))
    ) {
      const operands: Values = new Map(
        [x, weight].map((one) => [
          one,
          changed.has(one) ? sum(values.get(one)!, before.get(one)!, -1) : values.get(one)!,
        ]),
      );
      const [output] = node.outputs as [string];
      const [difference] = evaluateNode({ ...node, inputs: [x, weight] }, operands);
      values.set(output, sum(before.get(output)!, difference!, 1));
    } else setOutputs(node, values);
    for (const output of node.outputs) changed.add(output);
  }
  return values;
}

/** x + factor * y. */
function sum(x: Tensor64, y: Tensor64, factor: number): Tensor64 {
  const data = x.data.slice();
  for (let i = 0; i < data.length; i++) data[i]! += factor * y.data[i]!;
  return { dims: x.dims, data };
}

function setOutputs(node: GraphNode, values: Values): void {
  evaluateNode(node, values).forEach((value, i) => {
    if (i < node.outputs.length) values.set(node.outputs[i]!, value);
  });
}

/** Mean and unbiased variance of each channel of [N, C, H, W]. */
export function channelStatistics(x: Tensor64): { mean: Float64Array; unbiasedVariance: Float64Array } {
  const [batch, channels, pixels] = planes(x);
  const count = batch * pixels;
  const mean = new Float64Array(channels);
  const unbiasedVariance = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const values: number[] = [];
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + c) * pixels;
      values.push(...x.data.subarray(start, start + pixels));
    }
    const average = values.reduce((sum, value) => sum + value, 0) / count;
    mean[c] = average;
    unbiasedVariance[c] = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / (count - 1);
  }
  return { mean, unbiasedVariance };
}

/** A window's movement over an image [.., .., height, width], padding that the node leaves to the operator worked out. */
function windowOf(node: GraphNode, kernel: readonly number[], image: readonly number[]) {
  const strides = intsAttribute(node, 'strides', [1, 1]);
  const dilations = intsAttribute(node, 'dilations', [1, 1]);
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0]);
  const autoPad = node.attributes.auto_pad?.type === 'string' ? node.attributes.auto_pad.value : 'NOTSET';
  const ceil = intAttribute(node, 'ceil_mode', 0) === 1;
  return [0, 1].map((axis) => {
    const [size, stride, dilation] = [image[axis + 2]!, strides[axis]!, dilations[axis]!];
    const extent = dilation * (kernel[axis]! - 1) + 1;
    let before = pads[axis]!;
    let places = (size + before + pads[axis + 2]! - extent) / stride + 1;
    places = ceil ? Math.ceil(places) : Math.floor(places);
    // A window that begins after the image and the padding before it is none.
    if (ceil && (places - 1) * stride >= size + before) places--;
    if (autoPad.startsWith('SAME')) {
      places = Math.ceil(size / stride);
      const total = Math.max(0, (places - 1) * stride + extent - size);
      before = autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
    }
    const end = autoPad.startsWith('SAME') ? Number.POSITIVE_INFINITY : size + pads[axis + 2]!;
    return {
      size,
      places,
      end,
      at: (place: number, tap: number) => place * stride + tap * dilation - before,
    };
  });
}

function convolution(node: GraphNode, [x, weight, bias]: Tensor64[]): Tensor64 {
  const [batch, inChannels, height, width] = x!.dims as [number, number, number, number];
  const [outChannels, each, kernelH, kernelW] = weight!.dims as [number, number, number, number];
  const perGroup = outChannels / intAttribute(node, 'group', 1);
  const [rows, columns] = windowOf(node, [kernelH, kernelW], x!.dims);
  const y = zeros([batch, outChannels, rows!.places, columns!.places]);
  // Where a place of the output reads the image, for each tap.
  const readsRow = Array.from({ length: kernelH }, (_, i) => readsOf(rows!, i));
  const readsColumn = Array.from({ length: kernelW }, (_, j) => readsOf(columns!, j));
  const [from, by, to] = [x!.data, weight!.data, y.data];
  const [outH, outW] = [rows!.places, columns!.places];
  const isZero = Array.from({ length: batch * inChannels }, (_, plane) =>
    from.subarray(plane * height * width, (plane + 1) * height * width).every((value) => value === 0),
  );
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      const first = (n * outChannels + o) * outH * outW;
      if (bias) to.fill(bias.data[o]!, first, first + outH * outW);
      const firstChannel = n * inChannels + Math.floor(o / perGroup) * each;
      for (let c = 0; c < each; c++) {
        if (isZero[firstChannel + c]) continue;
        const plane = (firstChannel + c) * height * width;
        let filter = (o * each + c) * kernelH * kernelW;
        for (let i = 0; i < kernelH; i++) {
          const rowOf = readsRow[i]!;
          for (let j = 0; j < kernelW; j++) {
            const factor = by[filter++]!;
            if (factor === 0) continue;
            const columnOf = readsColumn[j]!;
            for (let r = 0; r < outH; r++) {
              if (rowOf[r]! < 0) continue;
              const image = plane + rowOf[r]! * width;
              const out = first + r * outW;
              for (let s = 0; s < outW; s++) {
                if (columnOf[s]! >= 0) to[out + s]! += factor * from[image + columnOf[s]!]!;
              }
            }
          }
        }
      }
    }
  }
  return y;
}

/** Convolution of [N, C, D, H, W]. */
function overVolume(node: GraphNode, [x, weight, bias]: Tensor64[]): Tensor64 {
  const [batch, channels, ...size] = x!.dims as [number, number, number, number, number];
  const [filters, each, ...kernel] = weight!.dims as [number, number, number, number, number];
  const [strides, dilations] = ['strides', 'dilations'].map((name) => intsAttribute(node, name, [1, 1, 1]));
  let pads = intsAttribute(node, 'pads', [0, 0, 0, 0, 0, 0]);
  if (node.attributes.auto_pad) {
    const total = size.map((pixels, axis) => {
      const extent = dilations![axis]! * (kernel[axis]! - 1) + 1;
      return Math.max(0, (Math.ceil(pixels / strides![axis]!) - 1) * strides![axis]! + extent - pixels);
    });
    pads = [...total.map((pad) => Math.floor(pad / 2)), ...total.map((pad) => Math.ceil(pad / 2))];
  }
  const places = size.map((pixels, axis) => {
    const room = pixels + pads[axis]! + pads[axis + 3]! - dilations![axis]! * (kernel[axis]! - 1) - 1;
    return Math.floor(room / strides![axis]!) + 1;
  });
  const perGroup = filters / intAttribute(node, 'group', 1);
  const y = zeros([batch, filters, ...places]);
  const [volume, taps] = [sizeOf(places), sizeOf(kernel)];
  y.data.forEach((_, i) => {
    const place = indexOf(i % volume, places);
    const filter = Math.floor(i / volume) % filters;
    const image = Math.floor(i / (volume * filters));
    let sum = bias ? bias.data[filter]! : 0;
    for (let c = 0; c < each; c++) {
      const from = image * channels + Math.floor(filter / perGroup) * each + c;
      for (let tap = 0; tap < taps; tap++) {
        const [d, h, w] = indexOf(tap, kernel).map(
          (t, axis) => place[axis]! * strides![axis]! + t * dilations![axis]! - pads[axis]!,
        ) as [number, number, number];
        if (d < 0 || d >= size[0]! || h < 0 || h >= size[1]! || w < 0 || w >= size[2]!) continue;
        const value = x!.data[((from * size[0]! + d) * size[1]! + h) * size[2]! + w]!;
        sum += value * weight!.data[(filter * each + c) * taps + tap]!;
      }
    }
    y.data[i] = sum;
  });
  return y;
}

/** Every input pixel is multiplied by the filter, and what that gives is added where it lands. */
function transposedConvolution(node: GraphNode, [x, weight, bias]: Tensor64[]): Tensor64 {
  const [batch, inChannels, height, width] = x!.dims as [number, number, number, number];
  const [, each, ...kernel] = weight!.dims as [number, number, number, number];
  const group = intAttribute(node, 'group', 1);
  const [strides, dilations] = ['strides', 'dilations'].map((name) => intsAttribute(node, name, [1, 1]));
  const more = intsAttribute(node, 'output_padding', [0, 0]);
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0]);
  const asked = intsAttribute(node, 'output_shape', []);
  const autoPad = node.attributes.auto_pad?.type === 'string' ? node.attributes.auto_pad.value : 'NOTSET';
  const axes = [height, width].map((size, axis) => {
    const whole = (size - 1) * strides![axis]! + dilations![axis]! * (kernel[axis]! - 1) + 1 + more[axis]!;
    if (asked.length === 0 && !autoPad.startsWith('SAME')) {
      return { before: pads[axis]!, places: whole - pads[axis]! - pads[axis + 2]! };
    }
    const places = asked[axis] ?? size * strides![axis]!;
    const cut = Math.max(0, whole - places);
    return { before: autoPad === 'SAME_UPPER' ? Math.floor(cut / 2) : Math.ceil(cut / 2), places };
  });
  const [rows, columns] = axes.map(({ places }) => places) as [number, number];
  const y = zeros([batch, each * group, rows, columns]);
  if (bias)
    y.data.forEach((_, i) => {
      y.data[i] = bias.data[Math.floor(i / (rows * columns)) % bias.data.length]!;
    });
  x!.data.forEach((value, index) => {
    const [w, h] = [index % width, Math.floor(index / width) % height];
    const c = Math.floor(index / (width * height)) % inChannels;
    const n = Math.floor(index / (width * height * inChannels));
    const firstOut = Math.floor(c / (inChannels / group)) * each;
    for (let o = 0; o < each; o++) {
      for (let i = 0; i < kernel[0]!; i++) {
        for (let j = 0; j < kernel[1]!; j++) {
          const r = h * strides![0]! + i * dilations![0]! - axes[0]!.before;
          const s = w * strides![1]! + j * dilations![1]! - axes[1]!.before;
          if (r < 0 || r >= rows || s < 0 || s >= columns) continue;
          const factor = weight!.data[((c * each + o) * kernel[0]! + i) * kernel[1]! + j]!;
          y.data[((n * each * group + firstOut + o) * rows + r) * columns + s]! += value * factor;
        }
      }
    }
  });
  return y;
}

/** The row or column that each place of a window reads with one of its taps; -1 beside the image. */
function readsOf({ size, places, at }: ReturnType<typeof windowOf>[number], tap: number): Int32Array {
  return Int32Array.from({ length: places }, (_, place) => {
    const read = at(place, tap);
    return read >= 0 && read < size ? read : -1;
  });
}

function linear(node: GraphNode, [x, weight, bias]: Tensor64[]): Tensor64 {
  const transposed = intAttribute(node, 'transB', 0) === 1;
  const [rows, inner] = x!.dims as [number, number];
  const columns = weight!.dims[transposed ? 0 : 1]!;
  const y = zeros([rows, columns]);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        sum += x!.data[r * inner + k]! * weight!.data[transposed ? c * inner + k : k * columns + c]!;
      }
      y.data[r * columns + c] = sum;
    }
  }
  return bias ? broadcast(y, bias, (a, b) => a + b) : y;
}

function batchNormalization(node: GraphNode, [x, gamma, beta]: Tensor64[]): Tensor64 {
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const [batch, channels, pixels] = planes(x!);
  const { mean, unbiasedVariance } = channelStatistics(x!);
  const count = batch * pixels;
  const y = zeros(x!.dims);
  for (let i = 0; i < y.data.length; i++) {
    const c = Math.floor(i / pixels) % channels;
    const std = Math.sqrt((unbiasedVariance[c]! * (count - 1)) / count + epsilon);
    y.data[i] = (gamma!.data[c]! * (x!.data[i]! - mean[c]!)) / std + beta!.data[c]!;
  }
  return y;
}

/** @param reduce is given a window's values on the image, and how many more are padding */
function pool(node: GraphNode, x: Tensor64, reduce: (values: number[], padding: number) => number): Tensor64 {
  const kernel = intsAttribute(node, 'kernel_shape', []);
  const [rows, columns] = windowOf(node, kernel, x.dims);
  const [batch, channels, height, width] = x.dims as [number, number, number, number];
  const y = zeros([batch, channels, rows!.places, columns!.places]);
  for (let i = 0; i < y.data.length; i++) {
    const s = i % columns!.places;
    const r = Math.floor(i / columns!.places) % rows!.places;
    const plane = Math.floor(i / (columns!.places * rows!.places)) * height * width;
    const values: number[] = [];
    let padding = 0;
    for (let tapH = 0; tapH < kernel[0]!; tapH++) {
      for (let tapW = 0; tapW < kernel[1]!; tapW++) {
        const [row, column] = [rows!.at(r, tapH), columns!.at(s, tapW)];
        const isInside = row >= 0 && row < height && column >= 0 && column < width;
        if (isInside) values.push(x.data[plane + row * width + column]!);
        else if (row < rows!.end && column < columns!.end) padding++;
      }
    }
    y.data[i] = reduce(values, padding);
  }
  return y;
}

function globalAveragePool(x: Tensor64): Tensor64 {
  const [batch, channels, pixels] = planes(x);
  const y = zeros([batch, channels, 1, 1]);
  for (let i = 0; i < x.data.length; i++) y.data[Math.floor(i / pixels)]! += x.data[i]! / pixels;
  return y;
}

function flatten(x: Tensor64, axis: number): Tensor64 {
  const split = axis < 0 ? axis + x.dims.length : axis;
  return { dims: [sizeOf(x.dims.slice(0, split)), sizeOf(x.dims.slice(split))], data: x.data };
}

function planes({ dims }: Tensor64): [batch: number, channels: number, pixels: number] {
  return [dims[0]!, dims[1]!, sizeOf(dims.slice(2))];
}
