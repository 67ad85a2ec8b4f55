import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildModel } from '../../core/models/zoo.ts';
import { Gate } from '../../core/workers/calls.ts';
import { moveRegion, resizeAround, resizeFromCorner } from '../../web-demo/page/picture/crop-region.ts';
import { strategyFor } from '../../web-demo/page/service-worker/strategy.ts';
import { splitExamples } from '../../web-demo/page/teach/examples.ts';
import { heatColor } from '../../web-demo/page/views/heat-colors.ts';
import { OpenClassifier } from '../../web-demo/page/worker/classifier.ts';
import { Lock } from '../../web-demo/page/worker/lock.ts';
import { precisionOf } from '../../web-demo/page/worker/model.ts';
import { occlusionMap } from '../../web-demo/page/worker/occlusion.ts';
import { type OpenSession, openOn, type Runtime } from '../../web-demo/page/worker/session.ts';

describe('the heat map', () => {
  it('is hot where the class looks, and nowhere else', async () => {
    const [height, width] = [32, 32];
    // A model that looks at one pixel only: its first class is that pixel's red.
    const pixel = 9 * width + 20;
    const run = async (input: Float32Array, n: number): Promise<Float32Array> => {
      const logits = new Float32Array(n * 2);
      for (let i = 0; i < n; i++) logits[i * 2] = input[i * 3 * height * width + pixel]!;
      return logits;
    };
    const input = new Float32Array(3 * height * width).fill(2);
    const totals: number[] = [];
    const map = await occlusionMap(run, input, {
      height,
      width,
      classes: 2,
      index: 0,
      batch: 7,
      onProgress: (done, total) => totals.push(done / total),
    });
    const hottest = map.indexOf(Math.max(...map));
    assert.ok(Math.abs((hottest % width) - 20) <= 2 && Math.abs(Math.floor(hottest / width) - 9) <= 2);
    assert.equal(map[31 * width], 0);
    assert.ok(map.every(Number.isFinite));
    assert.equal(totals.at(-1), 1);
    const against = await occlusionMap(run, input, { height, width, classes: 2, index: 1 });
    assert.ok(Math.min(...against) < 0, 'hiding evidence for the other class helps this one');
  });

  it('stops when it is not wanted any more', async () => {
    const controller = new AbortController();
    const run = async (_input: Float32Array, n: number): Promise<Float32Array> => {
      controller.abort();
      return new Float32Array(n);
    };
    const options = { height: 8, width: 8, classes: 1, index: 0, signal: controller.signal };
    await assert.rejects(occlusionMap(run, new Float32Array(192), options), { name: 'AbortError' });
  });

  it('has colours that grow lighter', () => {
    const lightness = Array.from({ length: 33 }, (_, i) => {
      const [r, g, b] = heatColor(i / 32);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    });
    for (let i = 1; i < lightness.length; i++) assert.ok(lightness[i]! > lightness[i - 1]!);
    assert.deepEqual(heatColor(7), heatColor(1));
  });
});

describe('the crop box', () => {
  const size = { width: 100, height: 60 };

  it('stays within the picture', () => {
    const region = { left: 20, top: 0, width: 60, height: 60 };
    assert.deepEqual(moveRegion(region, 500, 3, size), { ...region, left: 40 });
    assert.deepEqual(resizeAround(region, 500, size, 1), region);
    assert.deepEqual(resizeAround(region, -500, size, 1), { left: 48, top: 28, width: 4, height: 4 });
  });

  it('keeps the corner opposite the one that is dragged, and the aspect ratio', () => {
    const region = { left: 10, top: 10, width: 40, height: 20 };
    assert.deepEqual(resizeFromCorner(region, 'se', 20, 0, size, 2), {
      left: 10,
      top: 10,
      width: 60,
      height: 30,
    });
    assert.deepEqual(resizeFromCorner(region, 'nw', 20, 10, size, 2), {
      left: 30,
      top: 20,
      width: 20,
      height: 10,
    });
    assert.deepEqual(resizeFromCorner(region, 'se', 900, 0, size, 2), {
      left: 10,
      top: 10,
      width: 90,
      height: 45,
    });
  });
});

it('the service worker keeps what does not change and leaves alone what is not a file', () => {
  const ask = (path: string, more: Partial<Parameters<typeof strategyFor>[0]> = {}) =>
    strategyFor({ method: 'GET', path, search: '', hasRange: false, sameOrigin: true, ...more });
  assert.equal(ask('assets/index-abc.js'), 'cache-first');
  assert.equal(ask('models/a.onnx', { search: '?v=1-2' }), 'cache-first');
  assert.equal(ask('models/a.onnx'), 'network-first');
  assert.equal(ask(''), 'network-first');
  assert.equal(ask('models/index.json'), 'network-first');
  for (const path of ['runs/stream', 'predict', 'predict/a', 'healthz'])
    assert.equal(ask(path), 'pass', path);
  assert.equal(ask('models/a.onnx', { hasRange: true }), 'pass');
  assert.equal(ask('assets/a.js', { method: 'POST' }), 'pass');
  assert.equal(ask('assets/a.js', { sameOrigin: false }), 'pass');
});

it('a closed gate holds work up until it is opened', async () => {
  const gate = new Gate();
  await gate.pass();
  gate.close();
  gate.close();
  let passed = false;
  const waiting = gate.pass().then(() => {
    passed = true;
  });
  await new Promise(setImmediate);
  assert.equal(passed, false);
  gate.open();
  await waiting;
  assert.equal(gate.isClosed, false);
});

describe('teaching', () => {
  it('holds every fifth picture out, of classes with enough', () => {
    const { train, heldOut } = splitExamples([
      { images: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
      { images: [11, 12] },
    ]);
    assert.deepEqual(
      heldOut.map(({ image, label }) => [image, label]),
      [
        [5, 0],
        [10, 0],
      ],
    );
    assert.equal(train.length, 10);
    assert.ok(train.some(({ image, label }) => image === 12 && label === 1));
  });
});

it('a model is of the precision that most of its weights have', () => {
  const graph = buildModel('resnet20', { numClasses: 10 });
  assert.equal(precisionOf(graph), 'fp32');
  for (const [name, tensor] of graph.initializers) {
    const data = new Int8Array(tensor.data.length);
    if (tensor.dims.length === 4) graph.initializers.set(name, { dtype: 'int8', dims: tensor.dims, data });
  }
  assert.equal(precisionOf(graph), 'int8');
});

describe('the lock of a runtime', () => {
  /** An onnxruntime that breaks, as the one on WebGPU does, when anything begins before the last has ended. */
  function fragileRuntime(): { runtime: Runtime; done: string[] } {
    let busy: string | undefined;
    const done: string[] = [];
    const alone = async <T>(what: string, value: T): Promise<T> => {
      assert.equal(busy, undefined, `${what} during ${busy}`);
      busy = what;
      await new Promise((resolve) => setTimeout(resolve, 3));
      busy = undefined;
      done.push(what);
      return value;
    };
    class Tensor {
      constructor(
        readonly type: string,
        readonly data: Float32Array,
        readonly dims: readonly number[],
      ) {}
    }
    const InferenceSession = {
      create: (bytes: Uint8Array) =>
        alone(`create ${bytes[0]}`, {
          run: (feeds: { input: Tensor }) =>
            alone(`run ${bytes[0]}`, {
              logits: {
                data: new Float32Array(2 * feeds.input.dims[0]!).fill(bytes[0] === 9 ? Number.NaN : 1),
              },
            }),
          release: () => alone(`release ${bytes[0]}`, undefined),
        }),
    };
    return { runtime: { ort: { InferenceSession, Tensor } as never, lock: new Lock() }, done };
  }
  const metadata = {
    labels: ['a', 'b'],
    inputHeight: 2,
    inputWidth: 2,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  };
  const classifier = (open: OpenSession) => new OpenClassifier(open, metadata as never, 'net');
  const open = async (runtime: Runtime, which: number): Promise<OpenClassifier> => {
    const opened = await openOn(runtime, Uint8Array.of(which), 'webgpu', '', (candidate) =>
      classifier(candidate).warmUp(),
    );
    return classifier(opened);
  };

  it('keeps a model that is opened apart from the runs of the one before', async () => {
    const { runtime, done } = fragileRuntime();
    const old = await open(runtime, 1);
    // As a test set does: batch after batch, while another model is opened and the old one is let go.
    let ran = 0;
    const running = (async () => {
      for (; ran < 8; ran++) await old.run(new Float32Array(24), 2);
    })();
    const next = await open(runtime, 2);
    assert.ok(ran > 0 && ran < 8, `${ran} runs before the next model was open`);
    await Promise.all([running, next.run(new Float32Array(12), 1), old.run(new Float32Array(12), 1)]);
    await Promise.all([old.release(), next.run(new Float32Array(12), 1)]);
    assert.deepEqual(done.filter((what) => what.endsWith('1')).at(-1), 'release 1');
    await assert.rejects(old.run(new Float32Array(12), 1), /Another model was opened meanwhile/);
  });

  it('and the session of one that cannot run is released in its turn', async () => {
    const { runtime, done } = fragileRuntime();
    const old = await open(runtime, 1);
    const results = await Promise.allSettled([open(runtime, 9), old.run(new Float32Array(12), 1)]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    );
    assert.equal(done.at(-1), 'release 9');
  });
});
