import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { embeddedModelPath } from '../../core/models/embedded.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, int, int64Tensor, ints } from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { OpenVinoSession } from '../../core/openvino/session.ts';
import { Random } from '../../core/random.ts';
import { openInRuntime } from '../../core/runtime/open-in-runtime.ts';
import { requireRuntime } from '../../core/runtime/runtimes.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { toFloat16 } from '../../core/weights/to-float16.ts';
import { quantizeModel } from '../../export/quantize/quantize-model.ts';
import { InferencePool } from '../../serve/inference/pool.ts';
import { runProgram } from '../../setup/programs.ts';
import { command } from '../commands/command.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { checkPlain, rejectsPlainly } from '../data/user-error.ts';
import { SKIP_WITHOUT_OPENVINO } from './set-up.ts';

const skip = { skip: SKIP_WITHOUT_OPENVINO };
const SIZE = 3 * 32 * 32;

/** Images of smooth noise, as pictures are rather than white noise. */
function pictures(count: number): Float32Array {
  const random = new Random(5);
  const data = new Float32Array(count * SIZE);
  for (let at = 0; at < data.length; at += 32) {
    let value = 2 * random.normal();
    for (let x = 0; x < 32; x++) {
      value = 0.9 * value + 0.3 * random.normal();
      data[at + x] = value;
    }
  }
  return data;
}

const images = (data: Float32Array) => ({
  input: new Tensor('float32', data, [data.length / SIZE, 3, 32, 32]),
});

/** The best class of each image. */
function best(logits: ArrayLike<number>, classes: number): number[] {
  return Array.from({ length: logits.length / classes }, (_, i) => {
    const own = Array.from({ length: classes }, (_, c) => logits[i * classes + c]!);
    return own.indexOf(Math.max(...own));
  });
}

/** x through a pool that OpenVINO would compute a row too large. */
function ceilPool(): Uint8Array {
  const b = new GraphBuilder('pool');
  const x = b.input('input', 'float32', ['n', 3, 7, 8]);
  b.node(
    'MaxPool',
    [x],
    { kernel_shape: ints([2, 2]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]), ceil_mode: int(1) },
    { name: 'logits' },
  );
  b.output('logits', 'float32', ['n', 3, 4, 5]);
  return encodeModel(b.graph);
}

describe('the choice of a runtime', () => {
  it('auto takes onnxruntime where OpenVINO is not set up or would compute wrongly, and says why', async () => {
    const { session, runtime, note } = await openInRuntime('auto', ceilPool(), { threads: 1 });
    await session.release();
    assert.equal(runtime, 'onnxruntime');
    const why = SKIP_WITHOUT_OPENVINO
      ? /OpenVINO is not set up here; npm run setup:openvino/
      : /OpenVINO does not run this model: its MaxPool .* is padded and has ceil_mode/;
    assert.match(note!, /^it runs in onnxruntime: /);
    assert.match(note!, why);
  });

  it('another name, and an option that is none, is refused in a line', async () => {
    assert.throws(
      () => requireRuntime('tensorrt' as 'auto'),
      (error) => checkPlain(error, /^runtime is onnxruntime, openvino, auto, not tensorrt$/),
    );
    for (const name of ['serve', 'predict', 'test-model']) {
      const { status, stderr } = await runProgram(process.execPath, command(name, '--runtime', 'openvin'));
      assert.match(
        stderr,
        /^error: --runtime is onnxruntime, openvino, auto, not "openvin"; .*openvino.*\n$/,
      );
      assert.equal(status, 1);
    }
  });

  it('onnxruntime says what it always said of a model that it cannot load', async () => {
    await assert.rejects(openInRuntime('onnxruntime', Uint8Array.of(1, 2, 3)), /protobuf|model/i);
  });
});

describe('a model in OpenVINO', skip, () => {
  it('gives what onnxruntime gives, at any batch, in float32', async () => {
    const bytes = new Uint8Array(await readFile(embeddedModelPath('resnet14t')));
    const { session, runtime } = await openInRuntime('openvino', bytes, { threads: 1 });
    assert.equal(runtime, 'openvino');
    assert.deepEqual([session.inputNames, session.outputNames], [['input'], ['logits']]);
    assert.deepEqual(session.inputMetadata[0], {
      ...{ name: 'input', isTensor: true, type: 'float32', shape: ['batch', 3, 32, 32] },
    });
    const onnxruntime = await openSession(bytes, { threads: 1 });
    for (const count of [1, 7, 1, 2]) {
      const feeds = images(pictures(count));
      const { logits } = await session.run(feeds);
      const expected = (await onnxruntime.run(feeds)).logits!;
      assert.deepEqual(logits!.dims, [count, 100]);
      const right = expected.data as Float32Array;
      for (const [i, value] of (logits!.data as Float32Array).entries())
        assert.ok(Math.abs(value - right[i]!) < 1e-3, `${value} for ${right[i]}`);
    }
    await session.release();
    await onnxruntime.release();
    await assert.rejects(session.run(images(pictures(1))), /released/);
  });

  it('gives the classes that onnxruntime gives in int8, but where two are as good', async () => {
    const { graph, metadata } = decodeModel(new Uint8Array(await readFile(embeddedModelPath('resnet14t'))));
    const data = pictures(200);
    const batches = () => [{ images: data.subarray(0, 20 * SIZE), size: 20 }];
    const quantized = (await quantizeModel(graph, { batches, method: 'minmax', threads: 1 })).graph;
    const bytes = encodeModel(quantized, metadata);
    const { session } = await openInRuntime('openvino', bytes, { threads: 1 });
    const onnxruntime = await openSession(bytes, { threads: 1 });
    const actual = (await session.run(images(data))).logits!.data as Float32Array;
    const expected = (await onnxruntime.run(images(data))).logits!.data as Float32Array;
    const [ours, theirs] = [best(expected, 100), best(actual, 100)];
    const same = ours.filter((label, i) => label === theirs[i]).length;
    assert.ok(same >= 190, `${same} of 200`);
    for (const [i, label] of ours.entries()) {
      const lost = expected[i * 100 + label]! - expected[i * 100 + theirs[i]!]!;
      assert.ok(lost < 0.5, `a class whose score is ${lost} lower`);
    }
    await session.release();
    await onnxruntime.release();
    // As on a processor without VNNI, where the sums of bytes overflow.
    const file = join(await temporaryFolder(), 'int8.onnx');
    await writeFile(file, bytes);
    const picture = fileURLToPath(new URL('../fixtures/foreign/picture.png', import.meta.url));
    const { stderr } = await runProgram(
      process.execPath,
      command('predict', '--model', file, '--runtime', 'openvino', picture),
      { env: { ...process.env, ONEDNN_MAX_CPU_ISA: 'AVX2' } },
    );
    assert.match(stderr, /^error: .*: sums of its 8-bit weights overflow there on this processor.*\n$/);
  });

  it('takes and gives several tensors, of every type that models here have', async () => {
    const b = new GraphBuilder('types');
    b.input('bytes', 'uint8', ['n', 2]);
    b.input('halves', 'float16', ['n', 2]);
    b.input('whole', 'int64', [2]);
    b.node('Cast', ['bytes'], { to: int(1) }, { name: 'float' });
    b.node('Add', ['halves', 'halves'], {}, { name: 'doubled' });
    b.node('Add', ['whole', b.initializer('one', int64Tensor([1]))], {}, { name: 'next' });
    b.node('Mul', ['float', b.initializer('scale', floatTensor([], [0.5]))], {}, { name: 'scaled' });
    b.output('scaled', 'float32', ['n', 2]);
    b.output('doubled', 'float16', ['n', 2]);
    b.output('next', 'int64', [2]);
    const session = await OpenVinoSession.create(encodeModel(b.graph), {
      intraOpNumThreads: 1,
      hint: 'THROUGHPUT',
    });
    const feeds = {
      bytes: new Tensor('uint8', Uint8Array.of(1, 255, 0, 7), [2, 2]),
      halves: new Tensor('float16', toFloat16(Float32Array.of(1.5, -2, 0, 4)), [2, 2]),
      whole: new Tensor('int64', BigInt64Array.of(5n, -1n), [2]),
    };
    const given = await session.run(feeds);
    assert.deepEqual([...given.scaled!.data], [0.5, 127.5, 0, 3.5]);
    assert.deepEqual([...given.doubled!.data], [...toFloat16(Float32Array.of(3, -4, 0, 8))]);
    assert.deepEqual([...given.next!.data], [6n, 0n]);
    assert.deepEqual(given.scaled!.dims, [2, 2]);
    assert.deepEqual(Object.keys(await session.run(feeds, ['next'])), ['next']);
    await assert.rejects(session.run({}), /there is no input "bytes"/);
    await session.release();
  });

  it('is refused in a line: an operator that it has not, one that it computes wrongly, values that are not finite', async () => {
    const b = new GraphBuilder('unknown');
    const x = b.input('input', 'float32', ['n', 4]);
    b.graph.nodes.push({
      ...{ op: 'ReverseSequences', domain: 'com.example', name: 'odd', inputs: [x], outputs: ['logits'] },
      attributes: {},
    });
    b.output('logits', 'float32', ['n', 4]);
    await rejectsPlainly(
      OpenVinoSession.create(encodeModel(b.graph)),
      /^OpenVINO does not take this model: it has no com\.example\.ReverseSequences$/,
    );
    await rejectsPlainly(
      openInRuntime('openvino', ceilPool(), { threads: 1 }),
      /^OpenVINO does not run this model: its MaxPool ".*logits.*" is padded and has ceil_mode, which OpenVINO computes/,
    );
    const relu = new GraphBuilder('relu');
    relu.node('Relu', [relu.input('input', 'float32', ['n', 2])], {}, { name: 'logits' });
    relu.output('logits', 'float32', ['n', 2]);
    const session = await OpenVinoSession.create(encodeModel(relu.graph));
    const feed = (...values: number[]) => ({
      input: new Tensor('float32', Float32Array.from(values), [1, 2]),
    });
    await assert.rejects(session.run(feed(1, Number.NaN)), /"input" has a value that is not finite/);
    assert.deepEqual([...(await session.run(feed(1, -1))).logits!.data], [1, 0]);
    await session.release();
  });

  it('whose scores are other than onnxruntime gives is refused, whatever the reason', async () => {
    const relu = (factor: number) => {
      const b = new GraphBuilder('scaled');
      const x = b.input('input', 'float32', ['n', 4]);
      b.node('Mul', [x, b.initializer('factor', floatTensor([], [factor]))], {}, { name: 'logits' });
      b.output('logits', 'float32', ['n', 4]);
      return encodeModel(b.graph);
    };
    const inOnnxruntime = () => openSession(relu(1), { threads: 1 });
    await rejectsPlainly(
      openInRuntime('openvino', relu(1.3), { threads: 1, inOnnxruntime }),
      /^OpenVINO gives other scores \(.*\) than onnxruntime \(.*\) for one picture$/,
    );
    const { session, note } = await openInRuntime('auto', relu(1.3), { threads: 1, inOnnxruntime });
    assert.match(note!, /^it runs in onnxruntime: OpenVINO gives other scores/);
    await session.release();
    const chosen = await openInRuntime('auto', relu(1), { threads: 1 });
    assert.match(
      chosen.note!,
      /^it runs in (OpenVINO|onnxruntime): an image takes OpenVINO \S+ ms and onnxruntime \S+ ms$/,
    );
    await chosen.session.release();
  });

  it('is run by the threads of a pool, which end without it', async () => {
    const model = new Uint8Array(await readFile(embeddedModelPath('resnet14t')));
    const shape = { height: 32, width: 32, classes: 100 };
    const pool = await InferencePool.start({
      ...{ model, ...shape, workers: 2, threads: 1, maxBatch: 4, runtime: 'openvino' },
    });
    const onnxruntime = await openSession(model, { threads: 1 });
    try {
      const data = pictures(6);
      const answers = await Promise.all([0, 1, 2].map(() => pool.run(data, 6)));
      const expected = (await onnxruntime.run(images(data))).logits!.data as Float32Array;
      for (const { logits } of answers) assert.deepEqual(best(logits, 100), best(expected, 100));
    } finally {
      await pool.close();
      await onnxruntime.release();
    }
  });
});
