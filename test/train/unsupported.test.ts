import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type Attribute, floatTensor, type Graph, int, sizeOf } from '../../core/onnx/graph.ts';
import { OrtEngine } from '../../train/engine/ort-engine.ts';
import { differentiate } from '../../train/gradients/differentiate.ts';
import { Lowering } from '../../train/lowering/ort/lower.ts';
import { LOWERINGS } from '../../train/lowering/ort/operators.ts';
import { StepBuilder } from '../../train/lowering/ort/step-builder.ts';
import { BLOCK_SIZES } from './support/block-sizes.ts';

/* What cannot be trained is refused by name, rather than trained wrongly. */

const REFUSED: [what: string, graph: Graph, message: RegExp][] = [
  ['an LRN over two channels', net('LRN', { x: [1, 4, 3, 3] }, { size: int(2) }), /LRN.* of an even size, 2/],
  ['a Conv of four axes', net('Conv', { x: [2, 4, 5, 5, 5, 5], w: [4, 4, 3, 3, 3, 3] }), /Conv.* of 6 axes/],
  [
    'an unknown operator',
    net('BitShift', { x: [2, 3], w: [1] }),
    /BitShift \(node "BitShift:y"\) cannot be trained: export the model without it, or train only weights/,
  ],
];

for (const [what, graph, message] of REFUSED) {
  it(`${what} is refused`, () => {
    for (const blockSize of BLOCK_SIZES) assert.throws(() => emit(graph, blockSize), message);
  });
}

it('a parameter that the loss does not depend on is named', () => {
  const graph = net('Relu', { x: [2, 3] });
  graph.initializers.set('idle', floatTensor([4], [1, 2, 3, 4]));
  assert.throws(() => differentiate(graph, ['x', 'idle']), /the loss does not depend on "idle"/);
});

describe('the engine', () => {
  it('refuses a model with an operator that cannot be trained, as a mistake of the user', async () => {
    const b = new GraphBuilder('odd');
    const weight = b.initializer('w', floatTensor([4, 6], new Float32Array(24)));
    const hidden = b.node('Gemm', [b.input('input', 'float32', ['batch', 6]), weight], { transB: int(1) });
    b.node('Hardmax', [hidden], {}, { name: 'logits' });
    b.output('logits', 'float32', ['batch', 4]);
    const optimizer = { name: 'sgd' as const, momentum: 0, nesterov: false, weightDecay: 0 };
    await assert.rejects(OrtEngine.create(b.graph, { batchSize: 2, optimizer }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      return /Hardmax .* cannot be trained/.test(error.message);
    });
  });
});

/** One node: `x`, and for some operators `w`, to `y`. */
function net(
  op: string,
  shapes: { x: readonly number[]; w?: readonly number[] },
  attributes: Record<string, Attribute> = {},
): Graph {
  const b = new GraphBuilder('net');
  const inputs = [b.input('x', 'float32', shapes.x)];
  if (shapes.w) {
    inputs.push(b.initializer('w', floatTensor(shapes.w, new Float32Array(sizeOf(shapes.w)))));
  }
  b.output(
    b.node(op, inputs, attributes, { name: 'y' }),
    'float32',
    shapes.x.map((_, axis) => `size${axis}`),
  );
  return b.graph;
}

function emit(graph: Graph, blockSize: number): void {
  const b = new StepBuilder('step', blockSize);
  const training = differentiate(graph, ['x']);
  const given = training.graph.inputs.map(
    ({ name, dims }) => [name, b.input(name, dims.map(Number))] as const,
  );
  new Lowering(LOWERINGS, b, training, new Map(given));
}
