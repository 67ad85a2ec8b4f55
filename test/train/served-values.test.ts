import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type Attribute, floatTensor, type Graph, int, ints, sizeOf, str } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { Random } from '../../core/random.ts';
import { type InferenceSession, openSession, Tensor } from '../../core/runtime/session.ts';
import { buildCase } from './support/case-net.ts';
import { differentiated, relativeError64 } from './support/check-gradients.ts';
import { GRADIENT_CASES, type GradientCase } from './support/gradient-cases.ts';
import { OPERATOR_CASES } from './support/operator-cases.ts';
import { evaluateGraph64 } from './support/reference.ts';
import { runOnce } from './support/step-runner.ts';

const ACTS_OTHERWISE_IN_TRAINING = new Set(['BatchNormalization', 'Dropout']);

/* What is trained is what is served: the values that onnxruntime gives of a graph as it stands. */

describe('what the gradients are checked against is what onnxruntime gives of', () => {
  const cases: Readonly<Record<string, readonly GradientCase[]>> = { ...GRADIENT_CASES, ...OPERATOR_CASES };
  for (const [op, ofOperator] of Object.entries(cases).filter(
    ([op]) => !ACTS_OTHERWISE_IN_TRAINING.has(op),
  )) {
    it(op, async () => {
      for (const { name, build } of ofOperator) {
        const { graph, given } = buildCase(build);
        if (graph.nodes.some(({ op: other }) => ACTS_OTHERWISE_IN_TRAINING.has(other))) continue;
        const values = evaluateGraph64(graph, given);
        const session = await openAsWritten(graph);
        const feeds = graph.inputs.map(({ name: input, dims, dtype }) => {
          assert.equal(dtype, 'float32');
          return [
            input,
            new Tensor(dtype, Float32Array.from(given.get(input)!.data), dims.map(Number)),
          ] as const;
        });
        const served = await session.run(Object.fromEntries(feeds)).catch((error: Error) => {
          // The exporters write explicit pads there.
          assert.match(error.message, /Dilation not supported for AutoPadType/, name);
        });
        await session.release();
        if (!served) continue;
        for (const { name: output } of graph.outputs) {
          const { dims: servedDims, data }: Tensor = served[output]!;
          assert.deepEqual(servedDims, values.get(output)!.dims, name);
          const error = relativeError64(data as Float32Array, values.get(output)!.data);
          assert.ok(error < 1e-5, `${name}: relative error ${error}`);
        }
      }
    });
  }
});

/** In the first operator set that knows its operators as they are written. */
async function openAsWritten(graph: Graph): Promise<InferenceSession> {
  const problems: unknown[] = [];
  for (const opset of [17, 21, 18, 24, 13]) {
    try {
      return await openSession(encodeModel(graph, {}, { opset }));
    } catch (error) {
      problems.push(error);
    }
  }
  throw new AggregateError(problems, 'onnxruntime opens it in no operator set');
}

describe('a Resize is trained as onnxruntime has it', () => {
  const random = new Random(1);
  const anyOf = <T>(values: readonly T[]): T => values[random.integer(values.length)]!;
  for (const mode of ['nearest', 'linear', 'cubic']) {
    const coordinates = ['half_pixel', 'pytorch_half_pixel', 'asymmetric', 'align_corners'];
    for (const transformation of mode === 'nearest'
      ? coordinates
      : [...coordinates, 'half_pixel_symmetric']) {
      it(`${mode}, ${transformation}`, async () => {
        const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];
        for (let i = 0; i < 24; i++) {
          const attributes: Record<string, Attribute> = {
            mode: str(mode),
            coordinate_transformation_mode: str(transformation),
            axes: ints([2, 3]),
          };
          if (mode === 'nearest') attributes.nearest_mode = str(roundings[i % 4]!);
          else attributes.antialias = int(i % 2);
          if (mode === 'cubic') attributes.exclude_outside = int((i >> 1) % 2);
          const dims = [1, 2, 4 + random.integer(9), 4 + random.integer(9)];
          const scales = [0.3, 0.4, 0.5, 0.6, 0.7, 0.9, 1.1, 1.3, 1.7, 2, 2.5, 3];
          const policies = ['not_larger', 'not_smaller', 'stretch'];
          const sizes = [1 + random.integer(20), 1 + random.integer(20)];
          const to =
            i % 3 === 0 ? { scales: [anyOf(scales), anyOf(scales)] } : { sizes, policy: anyOf(policies) };
          await compareResize(dims, to, attributes);
        }
      });
    }
  }

  it('to the nearest by half_pixel_symmetric is refused: what rounding makes of it cannot be known', async () => {
    const attributes = { mode: str('nearest'), coordinate_transformation_mode: str('half_pixel_symmetric') };
    const refusal = /Resize .*to the nearest by half_pixel_symmetric is not supported/;
    await assert.rejects(compareResize([1, 1, 3, 3], { sizes: [1, 1] }, attributes), refusal);
  });

  async function compareResize(
    dims: readonly number[],
    { scales, sizes, policy }: { scales?: number[]; sizes?: number[]; policy?: string },
    attributes: Record<string, Attribute>,
  ): Promise<void> {
    const b = new GraphBuilder('resize');
    const x = b.input('x', 'float32', dims);
    const inputs = scales
      ? [x, '', b.initializer('scales', floatTensor([2], scales))]
      : [x, '', '', b.int64(sizes!)];
    const own = policy ? { ...attributes, keep_aspect_ratio_policy: str(policy) } : attributes;
    b.node('Resize', inputs, { axes: ints([2, 3]), ...own }, { name: 'y' });
    b.graph.opset = 19;
    const session = await openSession(
      encodeModel({ ...b.graph, outputs: [{ name: 'y', dtype: 'float32', dims: ['n', 'c', 'h', 'w'] }] }),
    );
    const data = Float32Array.from({ length: sizeOf(dims) }, () => random.normal());
    const { y } = await session.run({ x: new Tensor('float32', data, dims) });
    await session.release();
    b.output('y', 'float32', y!.dims);
    const seeds = new Map([['y', { dims: y!.dims, data: new Float64Array(y!.data.length) }]]);
    const how = `${dims} to ${y!.dims}, ${JSON.stringify({ scales, sizes, policy, ...attributes })}`;
    const trained = await runOnce(
      differentiated({ net: { graph: b.graph, buffers: new Set() }, seeds, wanted: ['x'] }, 0),
      {
        x: data,
        'seed.y': new Float32Array(y!.data.length),
      },
    );
    const error = relativeError64(trained['value.y']!, Float64Array.from(y!.data as Float32Array));
    assert.ok(error < 1e-5, `${how}: relative error ${error}`);
  }
});
