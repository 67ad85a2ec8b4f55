import assert from 'node:assert/strict';
import { it } from 'node:test';
import { buildModel } from '../../core/models/zoo.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type Attribute, floatTensor, type Graph, int64Tensor, ints, str } from '../../core/onnx/graph.ts';
import { whyNotOnWebGpu } from '../../core/runtime/webgpu-refusals.ts';
import { buildStepGraph } from '../../train/lowering/ort/step-graph.ts';
import { vectorLayout } from '../../train/state.ts';
import { SGD } from './support/tiny-net.ts';

const SIZE = 8;
const image = (side: number | string) => ['n', 1, side, side];

/** x[starts:ends:steps] of its last axes; a list that is left out is an input of the graph. */
function sliceOf(
  starts: number[] | undefined,
  steps: number[] | undefined,
  size: number | string = SIZE,
): Graph {
  const b = new GraphBuilder('slice');
  const x = b.input('x', 'float32', ['n', 3, size]);
  const rank = starts?.length ?? steps?.length ?? 1;
  const list = (name: string, values: number[] | undefined) =>
    values ? b.int64(values) : b.input(name, 'int64', [rank]);
  const ends = b.int64(Array<number>(rank).fill(-100));
  const axes = b.int64(Array.from({ length: rank }, (_, i) => 2 - i));
  const inputs = [x, list('starts', starts), ends, axes, list('steps', steps)];
  b.node('Slice', inputs, {}, { name: 'it' });
  b.output('it', 'float32', ['n', 'c', 's']);
  return b.graph;
}

function convOf(
  attributes: Record<string, Attribute>,
  { side = 2, kernel = 2, pad }: { side?: number | string; kernel?: number; pad?: number[] } = {},
): Graph {
  const b = new GraphBuilder('conv');
  const x = b.input('x', 'float32', image(side));
  const w = b.input('w', 'float32', [1, 1, kernel, kernel]);
  const read = pad ? b.node('Pad', [x, b.int64(pad)], {}) : x;
  b.node('Conv', [read, w], attributes, { name: 'it' });
  b.output('it', 'float32', image('s'));
  return b.graph;
}

const pads = (...amounts: number[]) => ({ pads: ints(amounts) });

it('what onnxruntime computes wrongly on WebGPU is refused, by its node', () => {
  const cases: [Graph, RegExp | undefined][] = [
    [sliceOf([6], [-2]), /^its Slice "Slice:it" goes backwards/],
    [sliceOf([7], [-1]), undefined],
    [sliceOf([-1], [-2], 'w'), undefined],
    [sliceOf([7], [-1], 'w'), /backwards/],
    [sliceOf([2 ** 31 - 1], [-1], 'w'), undefined],
    [sliceOf(undefined, [-1]), /backwards/],
    [sliceOf(undefined, [2]), undefined],
    [sliceOf([0], undefined), /^its Slice "Slice:it" has steps that are computed/],
    [sliceOf([0, 1], [1, -1]), /backwards/],
    [sliceOf([0, 2], [1, -1]), undefined],
    [convOf(pads(0, 0, 1, 1)), /^its Conv "Conv:it" has a kernel as large as its image/],
    [convOf(pads(0, 0, 1, 0)), /as large/],
    [convOf(pads(1, 0, 1, 1)), undefined],
    [convOf({}), undefined],
    [convOf(pads(0, 0, 1, 1), { side: 3 }), undefined],
    [convOf(pads(0, 0, 1, 1), { side: 's' }), /size of its image is not known/],
    [convOf(pads(1, 1, 1, 1), { side: 's' }), undefined],
    [convOf({ auto_pad: str('SAME_UPPER') }), /as large/],
    [convOf({ auto_pad: str('SAME_UPPER') }, { side: 's' }), /not known/],
    [convOf({ auto_pad: str('SAME_UPPER') }, { side: 3, kernel: 3 }), undefined],
    [convOf({ auto_pad: str('SAME_UPPER') }, { side: 's', kernel: 3 }), undefined],
    [convOf({ auto_pad: str('SAME_UPPER'), strides: ints([2, 2]) }), undefined],
    [convOf({ auto_pad: str('SAME_LOWER') }), undefined],
    [convOf({ auto_pad: str('VALID') }), undefined],
    [convOf({}, { pad: [0, 0, 0, 0, 0, 0, 1, 1] }), /as large/],
    [convOf({}, { pad: [0, 0, 1, 0, 0, 0, 1, 1] }), undefined],
  ];
  for (const [i, [graph, expected]] of cases.entries()) {
    const why = whyNotOnWebGpu(graph);
    if (expected === undefined) assert.equal(why, undefined, `case ${i}`);
    else assert.match(why ?? '', expected, `case ${i}`);
  }
});

it('so it is in the body of a condition, which reads what is around it', () => {
  const slice = (start: number): Graph => {
    const outer = sliceOf([start], [-1]);
    const body = { ...outer, inputs: [], initializers: new Map([['own', int64Tensor([1])]]) };
    const node = { ...outer.nodes[0]!, op: 'If', name: 'if', inputs: ['condition'] };
    return { ...outer, nodes: [{ ...node, attributes: { then_branch: { type: 'graph', value: body } } }] };
  };
  assert.match(whyNotOnWebGpu(slice(6)) ?? '', /^its Slice "Slice:it" goes backwards/);
  assert.equal(whyNotOnWebGpu(slice(7)), undefined);
});

it('a step that is trained has such a node where its model has one, and by itself none', () => {
  const stepOf = (model: Graph): Graph =>
    buildStepGraph(model, vectorLayout(model), {
      ...{ batchSize: 2, blockSize: 0, portable: true, batchNorm: 'train' },
      optimizer: SGD,
    });
  // Strided 3x3 convolutions down to an image of 1x1, and their gradients.
  const net = buildModel('mobilenetv3-small', { numClasses: 4, imageSize: 32 });
  assert.equal(whyNotOnWebGpu(stepOf(net)), undefined);
  const b = new GraphBuilder('backwards');
  const x = b.input('input', 'float32', ['batch', 3, SIZE, SIZE]);
  const bounds = [[6], [-100], [3], [-2]].map((values) => b.int64(values));
  const backwards = b.node('Slice', [x, ...bounds], {});
  const pooled = b.node('Flatten', [b.node('GlobalAveragePool', [backwards], {})], {});
  const weight = b.initializer('w', floatTensor([3, 4], Array(12).fill(0.1)));
  b.node('MatMul', [pooled, weight], {}, { name: 'logits' });
  b.output('logits', 'float32', ['batch', 4]);
  assert.match(whyNotOnWebGpu(stepOf(b.graph)) ?? '', /^its Slice .* goes backwards/);
});
