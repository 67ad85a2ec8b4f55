import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildModel } from '../../core/models/zoo.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { countMacs } from '../../core/onnx/count-macs.ts';
import { floatTensor, int, ints } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { onnx } from '../../core/onnx/newer-fields.ts';
import { readModelBytes } from '../../core/onnx/read-model-bytes.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { formatReport } from '../../export/inspect/format-report.ts';
import { type InspectReport, inspectModel } from '../../export/inspect/inspect-model.ts';
import { redNet } from '../foreign/red-net.ts';
import { FIXTURES } from '../foreign/support.ts';

const OPTIONS = { batch: 1, size: 32, runs: 2 };

describe('outputs', () => {
  it('that are no tensors are shown and do not stop the run, and what the scores are is said', async () => {
    const { FLOAT, STRING } = onnx.TensorProto.DataType;
    const tail = (b: GraphBuilder, x: string) => {
      const p = b.node('Softmax', [x], { axis: int(1) }, { name: 'p' });
      const names = { type: 'strings' as const, value: ['r', 'g', 'b'] };
      const options = { name: 'dictionary', domain: 'ai.onnx.ml' };
      b.node('ZipMap', [p], { classlabels_strings: names }, options);
      return p;
    };
    const model = onnx.ModelProto.decode(redNet(tail, { domains: { 'ai.onnx.ml': 2 } }));
    const elemType = { mapType: { keyType: STRING, valueType: { tensorType: { elemType: FLOAT } } } };
    model.graph!.output!.push({ name: 'dictionary', type: { sequenceType: { elemType } } });
    const report = await inspectModel(
      new Uint8Array(onnx.ModelProto.encode(model).finish()),
      OPTIONS,
      'm.onnx',
    );
    assert.equal(report.problem, null);
    assert.ok(report.timeByOperator.length > 0);
    const text = formatReport(report);
    assert.match(text, /output +dictionary, sequence\(map\(string, float32\)\)/);
    assert.match(text, /scores +p holds probabilities, by its graph/);
  });
});

const layer = (report: InspectReport, name: string) => report.layers.find((each) => each.name === name)!;

describe('a model of the zoo', () => {
  const graph = buildModel('resnet20', { numClasses: 10 });
  const bytes = encodeModel(graph, { model: 'resnet20' });

  it('is counted as the trainer counts it, for any batch', async () => {
    const report = await inspectModel(bytes, { ...OPTIONS, batch: 3 }, 'm.onnx');
    assert.equal(report.problem, null);
    assert.equal(report.parameters, parameterCount(graph));
    assert.equal(report.macs, countMacs(graph));
    assert.equal(report.batch, 3);
    assert.deepEqual(report.notCounted, []);
    assert.deepEqual(report.operators.Conv, graph.nodes.filter(({ op }) => op === 'Conv').length);
    const [first] = report.layers;
    assert.deepEqual([first!.op, first!.shape, first!.parameters], ['Conv', [3, 16, 32, 32], 432]);
    for (const { name, shape, milliseconds } of report.layers) {
      assert.ok(
        shape?.every((dim) => typeof dim === 'number'),
        name,
      );
      assert.ok(milliseconds !== null && milliseconds >= 0, name);
    }
    const fused = report.timeByOperator.find(({ op }) => op === 'Conv')!;
    assert.equal(fused.nodes, report.operators.Conv);
  });

  it('has the same shapes by our rules as onnxruntime gives it', async () => {
    const ran = await inspectModel(bytes, OPTIONS, 'm.onnx');
    const told = await inspectModel(bytes, { ...OPTIONS, runs: 0 }, 'm.onnx');
    const shapes = (report: InspectReport) => report.layers.map(({ name, shape }) => [name, shape]);
    assert.deepEqual(shapes(told), shapes(ran));
    assert.equal(told.macs, ran.macs);
    assert.deepEqual([told.timeByOperator, told.problem], [[], null]);
  });
});

describe('models of PyTorch', () => {
  const MACS = 16 * 16 * 16 * 27 + 2 * (8 * 8 * (16 * 9 + 256) + 256) + 160;

  for (const name of ['legacy', 'legacy-one', 'dynamo', 'nhwc-uint8']) {
    it(`are taken apart whole: ${name}`, async () => {
      const bytes = await readModelBytes(join(FIXTURES, `${name}.onnx`), name);
      const report = await inspectModel(bytes, OPTIONS, name);
      assert.equal(report.problem, null);
      assert.equal(report.macs, MACS);
      assert.deepEqual(report.notCounted, []);
      for (const { name: node, shape } of report.layers) assert.ok(shape, node);
      // Mean and deviation of its bytes are constants of three values each.
      assert.equal(report.parameters, name === 'nhwc-uint8' ? 2032 : 2026);
      const head = report.weights.find(({ dims }) => dims.join() === '10,16')!;
      assert.equal(
        head.histogram.reduce((sum, count) => sum + count, 0),
        160,
      );
      assert.match(formatReport(report), /time by operator/);
    });
  }
});

describe('what is not known', () => {
  /** A net with an operator that onnxruntime has no kernel for. */
  function unknownOperator(): Uint8Array {
    const b = new GraphBuilder('odd');
    const x = b.input('input', 'float32', ['batch', 3, 'h', 'w']);
    const weight = b.initializer('w', floatTensor([2, 3, 1, 1], [1, 2, 3, 4, 5, 6]));
    const y = b.node('Conv', [x, weight], { kernel_shape: ints([1, 1]) }, { name: 'conv' });
    b.node('Mystery', [y], {}, { name: 'logits', domain: 'org.example' });
    b.output('logits', 'float32', ['batch', 2]);
    return encodeModel(b.graph);
  }

  it('does not keep the rest from being told', async () => {
    const report = await inspectModel(unknownOperator(), { ...OPTIONS, batch: 2 }, 'odd.onnx');
    assert.match(report.problem!, /onnxruntime cannot run the model: /);
    const conv = layer(report, 'Conv:conv');
    assert.deepEqual([conv.shape, conv.macs, conv.parameters], [[2, 2, 32, 32], 2 * 32 * 32 * 6, 6]);
    const mystery = layer(report, 'Mystery:logits');
    assert.deepEqual([mystery.op, mystery.shape, mystery.macs], ['org.example.Mystery', null, null]);
    assert.deepEqual(report.notCounted, ['org.example.Mystery']);
    const text = formatReport(report);
    assert.match(text, /problem +onnxruntime cannot run/);
    assert.match(text, /at least: those of org\.example\.Mystery are not known/);
  });

  it('is asked of onnxruntime where our rules end', async () => {
    const b = new GraphBuilder('contribution');
    const x = b.input('input', 'float32', ['batch', 3, 4, 4]);
    const weight = b.initializer('w', floatTensor([48, 5], new Array(240).fill(0.5)));
    const rows = b.node('Flatten', [x]);
    b.node('FusedMatMul', [rows, weight], {}, { name: 'logits', domain: 'com.microsoft' });
    b.output('logits', 'float32', ['batch', 5]);
    const report = await inspectModel(encodeModel(b.graph), { ...OPTIONS, batch: 2 }, 'e.onnx');
    assert.equal(report.problem, null);
    const product = layer(report, 'FusedMatMul:logits');
    assert.deepEqual([product.shape, product.parameters, product.macs], [[2, 5], 240, null]);
    assert.deepEqual(report.notCounted, ['com.microsoft.FusedMatMul']);
  });
});

it('names in a file cannot write on the terminal', async () => {
  const b = new GraphBuilder('g');
  b.node('Relu', [b.input('input', 'float32', ['batch', 3, 2, 2])], {}, { name: 'a\u001b[2J\nb' });
  b.output('a\u001b[2J\nb', 'float32', ['batch', 3, 2, 2]);
  const report = await inspectModel(encodeModel(b.graph, { 'k\u0007': 'v\u001b[31m' }), OPTIONS, 'm.onnx');
  assert.doesNotMatch(formatReport(report).replaceAll('\n', ''), /\p{Cc}/u);
  assert.match(formatReport(report), /Relu:a.\[2J.b/);
});

it('the embedded model is told by the command', async () => {
  const path = fileURLToPath(new URL('../../models/resnet14t.onnx', import.meta.url));
  const report = await inspectModel(await readModelBytes(path, path), { ...OPTIONS, runs: 0 }, path);
  assert.equal(report.metadata.model, 'resnet14t');
  assert.deepEqual(report.outputs[0]!.dims, ['batch', 100]);
});
