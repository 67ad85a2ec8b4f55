import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { countMacs } from '../../core/onnx/count-macs.ts';
import { type Dim, floatTensor, type Graph, int, ints, sizeOf } from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { openSession, tensor } from '../../core/runtime/session.ts';
import { cutFrozenFront, cutsOf } from '../../train/fine-tune/front.ts';
import { findHead } from '../../train/fine-tune/head.ts';
import { trainableModel } from '../../train/trainable-model.ts';
import { hashUniform } from '../fixtures/torch-fixture.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/foreign-nets/', import.meta.url));
const BATCH = 2;

/** A fixture's net, of a batch of two and of any. */
async function net(name: string): Promise<[Graph, Graph]> {
  const opened = decodeModel(readFileSync(`${FOLDER}${name}.onnx`));
  return [await trainableModel(opened, BATCH), await trainableModel(opened)];
}

async function run(graph: Graph, values: Float32Array): Promise<Float32Array> {
  const [input] = graph.inputs as [Graph['inputs'][0]];
  const session = await openSession(encodeModel(graph));
  const results = await session.run({
    [input.name]: tensor(values, [BATCH, ...input.dims.slice(1).map(Number)]),
  });
  await session.release();
  return results[graph.outputs[0]!.name]!.data as Float32Array;
}

/** How far the two parts one after the other are from the whole. */
async function errorOfCut(graph: Graph, { front, tail }: { front: Graph; tail: Graph }): Promise<number> {
  const images = Float32Array.from(
    { length: BATCH * 3 * Number(graph.inputs[0]!.dims[2]) ** 2 },
    (_, i) => 3 * (hashUniform(7, i) - 0.5),
  );
  const [whole, parts] = [await run(graph, images), await run(tail, await run(front, images))];
  return whole.reduce((worst, value, i) => Math.max(worst, Math.abs(value - parts[i]!)), 0);
}

describe('a net that is cut in two', () => {
  for (const name of [
    'resnet-dynamo18-noopt',
    'shufflenet_v2-dynamo18-noopt',
    'swin-dynamo18-noopt',
    'vit-dynamo23',
  ]) {
    it(`${name} gives the same in its parts, wherever it is cut`, async () => {
      const [graph, anyBatch] = await net(name);
      const cuts = [...cutsOf(graph, anyBatch)];
      assert.ok(cuts.length >= 5, `${cuts.length} cuts`);
      const { parameters } = initializerRoles(graph);
      let shorter = 0;
      for (const cut of [cuts[0]!, cuts[cuts.length >> 1]!, cuts.at(-1)!]) {
        const macs = countMacs(cut.tail);
        assert.ok(macs >= shorter);
        shorter = macs;
        assert.equal(cut.front.outputs[0]!.dims[0], BATCH);
        const [before, after] = [cut.front, cut.tail].map((part) => initializerRoles(part).parameters);
        assert.deepEqual([...before!, ...after!].sort(), [...parameters].sort());
        const error = await errorOfCut(graph, cut);
        assert.ok(error < 1e-5, `${cut.tail.inputs[0]!.name}: ${error}`);
      }
    });
  }

  it('has as much of its front cut off as stays as it is', async () => {
    const [graph, anyBatch] = await net('resnet-dynamo18-noopt');
    const head = findHead(graph);
    const onlyHead = (name: string) => name !== head.weight && name !== head.bias;
    const features = cutFrozenFront(graph, anyBatch, onlyHead)!;
    assert.deepEqual(initializerRoles(features.tail).parameters.sort(), [head.bias!, head.weight].sort());
    assert.equal(countMacs(features.tail), countMacs(graph) - countMacs(features.front));
    const upToBlock = cutFrozenFront(graph, anyBatch, (name) => !/^layer[34]|^fc/.test(name))!;
    assert.ok(initializerRoles(upToBlock.tail).parameters.every((name) => /^layer[34]|^fc/.test(name)));
    assert.ok(initializerRoles(upToBlock.front).parameters.every((name) => !/^layer[34]|^fc/.test(name)));
    const { weight } = { weight: initializerRoles(graph).parameters[0]! };
    assert.equal(
      cutFrozenFront(graph, anyBatch, (name) => name !== weight),
      undefined,
    );
  });

  it('is cut nowhere where an axis as long as the batch comes before it', () => {
    const built = (batch: Dim) => {
      const b = new GraphBuilder('sideways');
      const x = b.input('input', 'float32', [batch, 3, 1, BATCH]);
      const weight = (name: string, dims: number[]) =>
        b.initializer(name, floatTensor(dims, new Float32Array(sizeOf(dims))));
      const sideways = b.node('Transpose', [x], { perm: ints([3, 0, 1, 2]) }, { name: 'sideways' });
      const wide = b.node('MatMul', [sideways, weight('wide', [1, 4])], {}, { name: 'wider' });
      const upright = b.node('Transpose', [wide], { perm: ints([1, 0, 2, 3]) }, { name: 'upright' });
      const flat = b.node('Flatten', [upright], { axis: int(1) }, { name: 'flat' });
      b.node('Gemm', [flat, weight('fc', [24, 5])], {}, { name: 'logits' });
      b.output('logits', 'float32', [batch, 5]);
      return b.graph;
    };
    const cuts = [...cutsOf(built(BATCH), built('batch'))].map(({ tail }) => tail.inputs[0]!.name);
    assert.deepEqual(cuts, ['flat', 'upright']);
  });
});
