import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, int, int64Tensor, ints, str } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { toFloat16 } from '../../core/weights/to-float16.ts';
import { inspectModel } from '../../export/inspect/inspect-model.ts';

/** Doubles float16 numbers. */
function doubling(): Uint8Array {
  const b = new GraphBuilder('half');
  const x = b.input('x', 'float16', ['n', 2]);
  b.node('Add', [x, x], {}, { name: 'y' });
  b.output('y', 'float16', ['n', 2]);
  return encodeModel(b.graph);
}

it('float16 tensors go in and out as bits, whether Node has a Float16Array or not', async () => {
  const session = await openSession(doubling());
  const x = new Tensor('float16', toFloat16(Float32Array.of(1.5, -2)), [1, 2]);
  const { y } = await session.run({ x });
  await session.release();
  assert.equal(y!.type, 'float16');
  assert.ok(y!.data instanceof Uint16Array);
  assert.deepEqual([...y!.data], [...toFloat16(Float32Array.of(3, -4))]);
});

it('zeros in front of a pool are zeros, whatever the optimiser makes of them', async () => {
  const b = new GraphBuilder('padded');
  const x = b.input('x', 'float32', [1, 1, 2, 2]);
  const pads = b.initializer('pads', int64Tensor([0, 0, 1, 1, 0, 0, 1, 1]));
  const zero = b.initializer('zero', floatTensor([], [0]));
  // The optimiser takes a Pad that nothing else reads.
  const padded = () => b.node('Pad', [x, pads, zero], { mode: str('constant') });
  b.node('MaxPool', [padded()], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }, { name: 'max' });
  const pool = { kernel_shape: ints([2, 2]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) };
  b.node('AveragePool', [padded()], { ...pool, count_include_pad: int(1) }, { name: 'mean' });
  b.output('max', 'float32', [1, 1, 2, 2]);
  b.output('mean', 'float32', [1, 1, 3, 3]);
  const session = await openSession(encodeModel(b.graph));
  const { max, mean } = await session.run({
    x: new Tensor('float32', Float32Array.of(-1, -2, -3, -4), [1, 1, 2, 2]),
  });
  await session.release();
  assert.deepEqual([...max!.data], [0, 0, 0, 0]);
  assert.deepEqual([...mean!.data], [0, 0, 0, 0, -2.5, 0, 0, 0, 0]);
});

it('of two quantisations in a row both are made', async () => {
  const b = new GraphBuilder('twice');
  let value = b.input('x', 'float32', [4]);
  for (const [name, step] of [
    ['coarse', 0.3],
    ['fine', 0.01],
  ] as const) {
    const scale = b.initializer(`${name}.scale`, floatTensor([], [step]));
    const zero = b.initializer(`${name}.zero`, { dtype: 'uint8', dims: [], data: Uint8Array.of(128) });
    const bytes = b.node('QuantizeLinear', [value, scale, zero]);
    const last = name === 'fine' ? { name: 'y' } : {};
    value = b.node('DequantizeLinear', [bytes, scale, zero], {}, last);
  }
  b.output('y', 'float32', [4]);
  const session = await openSession(encodeModel(b.graph));
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(-0.7, -0.2, 0.21, 0.77), [4]) });
  await session.release();
  const rounded = [...(y!.data as Float32Array)].map((value) => value.toFixed(2));
  assert.deepEqual(rounded, ['-0.60', '-0.30', '0.30', '0.90']);
});

it('a model that takes float16 is inspected, with times', async () => {
  const report = await inspectModel(doubling(), { batch: 1, size: 2, runs: 1 }, 'half.onnx');
  assert.equal(report.problem, null);
  assert.ok(report.layers[0]!.milliseconds! > 0);
});

it('and Float16Array is where it was', () => {
  const [major] = process.versions.node.split('.').map(Number);
  assert.equal('Float16Array' in globalThis, major! >= 24);
});

it('nothing else takes onnxruntime-node past that, but a peer as others write it, and the doctor to see whether it loads', () => {
  const project = fileURLToPath(new URL('../..', import.meta.url));
  const folders = ['bench', 'core', 'export', 'models', 'serve', 'setup', 'train', 'web-demo'];
  const past = folders
    .flatMap((folder) =>
      readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .filter((path) =>
      /^(?:import (?!type).*|export .*|.*\bimport\(|.*\brequire\()(?:from )?'(?:onnxruntime-node|#onnxruntime)'/m.test(
        readFileSync(join(project, path), 'utf8'),
      ),
    );
  assert.deepEqual(past.map((path) => path.replaceAll('\\', '/')).sort(), [
    'bench/serve/peers/express-server.ts',
    'core/runtime/session.ts',
    'setup/doctor/examine.ts',
    'train/engine/providers/probe.ts',
  ]);
});
