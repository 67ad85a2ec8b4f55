import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import {
  type Attribute,
  floatTensor,
  type Graph,
  type GraphNode,
  int,
  int64Tensor,
  ints,
  str,
} from '../../core/onnx/graph.ts';
import { whyNotInOpenVino } from '../../core/openvino/refusals.ts';
import { toFloat16 } from '../../core/weights/to-float16.ts';

const PADDED = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) };

function graphOf(op: string, attributes: Record<string, Attribute>): Graph {
  const b = new GraphBuilder('one');
  b.input('x', 'float32', ['n', 3, 8, 8]);
  b.output('y', 'float32', ['n', 3, 'h', 'w']);
  b.graph.nodes.push({ op, domain: '', name: 'it', inputs: ['x'], outputs: ['y'], attributes });
  return b.graph;
}

/** An average pool that reads bytes with this zero point, by way of a Relu. */
function quantisedPool(zeroPoint: number | undefined, attributes: Record<string, Attribute>): Graph {
  const graph = graphOf('AveragePool', attributes);
  const pool = graph.nodes[0]!;
  const [zero, scale] = ['zero', 'scale'];
  graph.initializers.set(scale, floatTensor([], [0.1]));
  if (zeroPoint !== undefined)
    graph.initializers.set(zero, { dtype: 'uint8', dims: [], data: Uint8Array.of(zeroPoint) });
  const node = (op: string, inputs: string[], output: string): GraphNode => ({
    op,
    domain: '',
    name: output,
    inputs,
    outputs: [output],
    attributes: {},
  });
  graph.nodes = [
    node('QuantizeLinear', ['x', scale, zero], 'q'),
    node('DequantizeLinear', ['q', scale, ...(zeroPoint === undefined ? [] : [zero])], 'd'),
    node('Relu', ['d'], 'r'),
    { ...pool, inputs: ['r'] },
  ];
  return graph;
}

function prelu(dims: number[]): Graph {
  const graph = graphOf('PRelu', {});
  graph.nodes[0]!.inputs.push('slope');
  graph.initializers.set('slope', floatTensor(dims, new Array(dims[0]!).fill(0.1)));
  return graph;
}

it('what OpenVINO is known to compute wrongly is refused, by its node and attribute', () => {
  const cases: [Graph, RegExp | undefined][] = [
    [graphOf('MaxPool', { ...PADDED, ceil_mode: int(1) }), /^its MaxPool "it" is padded and has ceil_mode/],
    [
      graphOf('MaxPool', { kernel_shape: ints([3, 3]), ceil_mode: int(1), auto_pad: str('SAME_UPPER') }),
      /ceil_mode/,
    ],
    [graphOf('MaxPool', PADDED), undefined],
    [graphOf('MaxPool', { kernel_shape: ints([3, 3]), ceil_mode: int(1) }), undefined],
    [graphOf('AveragePool', { ...PADDED, ceil_mode: int(1), count_include_pad: int(1) }), /another divisor/],
    [graphOf('AveragePool', { ...PADDED, ceil_mode: int(1) }), undefined],
    [graphOf('AveragePool', { ...PADDED, count_include_pad: int(1) }), undefined],
    [
      quantisedPool(128, { ...PADDED, count_include_pad: int(1) }),
      /^its AveragePool "it" .* pads with the byte 0$/,
    ],
    [quantisedPool(0, { ...PADDED, count_include_pad: int(1) }), undefined],
    [quantisedPool(undefined, { ...PADDED, count_include_pad: int(1) }), undefined],
    [quantisedPool(128, PADDED), undefined],
    [graphOf('QLinearAveragePool', { ...PADDED, count_include_pad: int(1) }), /pads with the byte 0/],
    [
      graphOf('Resize', { antialias: int(1), exclude_outside: int(1) }),
      /has antialias, exclude_outside, which/,
    ],
    [graphOf('Resize', { keep_aspect_ratio_policy: str('not_larger') }), /has keep_aspect_ratio_policy/],
    [graphOf('Resize', { keep_aspect_ratio_policy: str('stretch'), antialias: int(0) }), undefined],
    [prelu([3, 1, 1]), undefined],
    [prelu([1]), undefined],
    [prelu([8]), /^its PRelu "it" has a slope for each column/],
    [graphOf('ReduceLogSumExp', { axes: ints([1]) }), /has axes in opset 15, which OpenVINO leaves out/],
    [{ ...graphOf('ReduceL1', { axes: ints([1]) }), opset: 13 }, /has axes in opset 13/],
    [{ ...graphOf('ReduceLogSum', { axes: ints([1]) }), opset: 12 }, undefined],
    [graphOf('ReduceLogSumExp', {}), undefined],
    [graphOf('ReduceL2', { axes: ints([1]) }), undefined],
    [graphOf('ReduceL2', { noop_with_empty_axes: int(1) }), /has noop_with_empty_axes, by which OpenVINO/],
    [graphOf('ReduceLogSum', { noop_with_empty_axes: int(1) }), /noop_with_empty_axes/],
    [graphOf('ReduceL1', { noop_with_empty_axes: int(0) }), undefined],
    [graphOf('ReduceSumSquare', { noop_with_empty_axes: int(1) }), undefined],
  ];
  for (const [graph, expected] of cases) {
    const why = whyNotInOpenVino(graph);
    if (expected === undefined) assert.equal(why, undefined);
    else assert.match(why ?? '', expected);
  }
});

it('so it is in the body of a loop or a condition', () => {
  const body = graphOf('Resize', { antialias: int(1) });
  assert.match(
    whyNotInOpenVino(graphOf('If', { then_branch: { type: 'graph', value: body } })) ?? '',
    /antialias/,
  );
});

it('weights that are not numbers are refused, of any type of floats', () => {
  const graph = graphOf('Relu', {});
  graph.initializers.set('shape', int64Tensor([1, 2]));
  graph.initializers.set('w', floatTensor([2], [1, Number.POSITIVE_INFINITY]));
  assert.equal(whyNotInOpenVino(graph), undefined);
  for (const data of [Float32Array.of(1, Number.NaN), Float64Array.of(Number.NaN)]) {
    const dtype = data instanceof Float32Array ? 'float32' : 'float64';
    graph.initializers.set('w', { dtype, dims: [data.length], data });
    assert.match(whyNotInOpenVino(graph) ?? '', /^its weight "w" has values that are not numbers/);
  }
  const half = toFloat16(Float32Array.of(1, Number.NaN));
  graph.initializers.set('w', { dtype: 'float16', dims: [2], data: half });
  assert.match(whyNotInOpenVino(graph) ?? '', /^its weight "w"/);
});
