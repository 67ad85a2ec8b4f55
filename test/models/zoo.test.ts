import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel, MODEL_NAMES } from '../../core/models/zoo.ts';
import { type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { initializerRoles, parameterCount } from '../../core/onnx/roles.ts';
import { inferShapes } from '../../core/onnx/shape-inference.ts';
import { Random } from '../../core/random.ts';
import { type InferenceSession, openSession, Tensor } from '../../core/runtime/session.ts';
import { hashUniform } from '../fixtures/torch-fixture.ts';
import { torchvisionNames } from './torchvision-names.ts';

/** For 100 classes. Those of resnet18 and wider are the figures PyTorch gives for CIFAR ResNets. */
const PARAMETERS: Readonly<Record<string, number>> = {
  resnet14t: 385_748,
  resnet8: 83_892,
  resnet20: 278_324,
  resnet32: 472_756,
  resnet56: 861_620,
  resnet18: 11_220_132,
  resnet34: 21_328_292,
  resnet50: 23_705_252,
  resnet101: 42_697_380,
  resnet152: 58_341_028,
  se_resnet14t: 397_924,
  se_resnet8: 86_720,
  se_resnet20: 286_808,
  se_resnet32: 486_896,
  se_resnet56: 887_072,
  se_resnet18: 11_309_212,
  se_resnet34: 21_489_488,
  se_resnet50: 26_236_244,
  se_resnet101: 47_475_092,
  se_resnet152: 64_970_068,
  airbench94: 1_995_932,
  airbench95: 4_641_180,
  airbench96: 12_767_388,
};

/** What PyTorch makes of the nets that torchvision and timm have too; see make_zoo_logits.py there. */
const TORCH = (
  JSON.parse(readFileSync(new URL('../fixtures/zoo/zoo-logits.json', import.meta.url), 'utf8')) as {
    nets: Record<string, { parameters: number; tensors: string; logits: Record<string, number[]> }>;
  }
).nets;

describe('the zoo', () => {
  it('has the models it is known for', () => {
    assert.deepEqual([...MODEL_NAMES].sort(), [...Object.keys(PARAMETERS), ...Object.keys(TORCH)].sort());
  });

  it('refuses a model it does not have, and names those it has', () => {
    assert.throws(
      () => buildModel('vgg16', { numClasses: 10 }),
      (error) =>
        error instanceof UserError && /no model "vgg16"; the zoo has .*resnet20, /.test(error.message),
    );
  });

  for (const name of Object.keys(PARAMETERS)) {
    it(`${name} has the parameters it should, and onnxruntime loads it`, async () => {
      const graph = buildModel(name, { numClasses: 100 });
      assert.equal(graph.name, name);
      assert.equal(parameterCount(graph), PARAMETERS[name]);
      assert.deepEqual(initializerRoles(graph).constants, []);
      assert.deepEqual(inferShapes(graph).get('logits')!.dims, ['batch', 100]);
      const session = await load(graph);
      assert.deepEqual([session.inputNames, session.outputNames], [['input'], ['logits']]);
      const [input, output] = [session.inputMetadata[0]!, session.outputMetadata[0]!];
      assert.ok(input.isTensor && output.isTensor);
      assert.deepEqual([...input.shape], ['batch', 3, 32, 32]);
      assert.deepEqual([...output.shape], ['batch', 100]);
      await session.release();
    });
  }
});

describe('a net that PyTorch has too', () => {
  for (const [name, { parameters, tensors, logits }] of Object.entries(TORCH)) {
    it(`${name} has its parameters, by name and shape`, () => {
      const graph = buildModel(name, { numClasses: 1000 });
      assert.equal(parameterCount(graph), parameters);
      const [size] = graph.inputs[0]!.dims.slice(2);
      assert.equal(size, name === 'efficientnet-lite2' ? 260 : 224);
      assert.deepEqual(inferShapes(graph).get('logits')!.dims, ['batch', 1000]);
      const lines = tensorNames(graph).map((key) => {
        const { dims } = graph.initializers.get(key)!;
        return `${key} [${dims.join(', ')}]\n`;
      });
      assert.equal(createHash('sha256').update(lines.join('')).digest('hex'), tensors, lines.join(''));
      // The ends of ReLU6.
      const { constants } = initializerRoles(graph);
      assert.ok(constants.length <= 2, constants.join());
    });

    for (const [text, expected] of Object.entries(logits)) {
      it(`${name} gives its logits at ${text} pixels`, async () => {
        const imageSize = Number(text);
        const graph = buildModel(name, { numClasses: 7, imageSize });
        fillByFormula(graph);
        const session = await load(graph);
        const images = Float32Array.from(
          { length: 2 * 3 * imageSize ** 2 },
          (_, i) => 3.4 * (hashUniform(1000, i) - 0.5),
        );
        const results = await session.run({
          input: new Tensor('float32', images, [2, 3, imageSize, imageSize]),
        });
        const actual = results.logits!.data as Float32Array;
        const largest = Math.max(...expected.map(Math.abs));
        assert.equal(actual.length, expected.length);
        for (const [i, value] of expected.entries()) {
          assert.ok(Math.abs(actual[i]! - value) < 2e-5 * largest, `${i}: ${actual[i]}, not ${value}`);
        }
        await session.release();
      });
    }
  }

  /** Parameters and running statistics, sorted by name. */
  function tensorNames(graph: Graph): string[] {
    const { parameters, buffers } = initializerRoles(graph);
    return [...parameters, ...buffers].sort();
  }

  /** The values of make_zoo_logits.py. */
  function fillByFormula(graph: Graph): void {
    for (const [seed, key] of tensorNames(graph).entries()) {
      const { dims } = graph.initializers.get(key)!;
      const bound = 1.2 * Math.sqrt(3 / sizeOf(dims.slice(1)));
      const value =
        dims.length > 1
          ? (u: number) => (2 * u - 1) * bound
          : /\.(bias|running_mean)$/.test(key)
            ? (u: number) => 0.2 * (u - 0.5)
            : (u: number) => 1 + 0.2 * (u - 0.5);
      const data = Float32Array.from({ length: sizeOf(dims) }, (_, i) => value(hashUniform(seed, i)));
      graph.initializers.set(key, { dtype: 'float32', dims, data });
    }
  }
});

describe('parameters are named as in torchvision:', () => {
  const layouts: Record<string, Parameters<typeof torchvisionNames>[0]> = {
    resnet18: { block: 'BasicBlock', layers: [2, 2, 2, 2] },
    resnet34: { block: 'BasicBlock', layers: [3, 4, 6, 3] },
    resnet50: { block: 'Bottleneck', layers: [3, 4, 6, 3] },
    resnet101: { block: 'Bottleneck', layers: [3, 4, 23, 3] },
  };
  for (const [name, layout] of Object.entries(layouts)) {
    it(name, () => {
      const names = torchvisionNames(layout);
      const graph = buildModel(name, { numClasses: 10 });
      assert.deepEqual([...graph.initializers.keys()].sort(), names.sort());
      const { parameters, buffers } = initializerRoles(graph);
      assert.deepEqual(
        buffers.sort(),
        names.filter((key) => key.includes('.running_')),
      );
      assert.deepEqual(
        parameters.sort(),
        names.filter((key) => !key.includes('.running_')),
      );
    });
  }

  it('with the shapes of torchvision', () => {
    const shape = (model: string, name: string) =>
      buildModel(model, { numClasses: 10 }).initializers.get(name)?.dims;
    assert.deepEqual(shape('resnet18', 'layer2.0.conv1.weight'), [128, 64, 3, 3]);
    assert.deepEqual(shape('resnet18', 'layer2.0.downsample.0.weight'), [128, 64, 1, 1]);
    assert.deepEqual(shape('resnet18', 'fc.weight'), [10, 512]);
    assert.deepEqual(shape('resnet50', 'layer1.0.conv1.weight'), [64, 64, 1, 1]);
    assert.deepEqual(shape('resnet50', 'layer3.0.conv2.weight'), [256, 256, 3, 3]);
    assert.deepEqual(shape('resnet50', 'layer3.0.conv3.weight'), [1024, 256, 1, 1]);
    assert.deepEqual(shape('resnet50', 'layer4.2.bn3.running_var'), [2048]);
    assert.deepEqual(shape('resnet50', 'fc.weight'), [10, 2048]);
    // torchvision's stem is 7x7 for large images; ours is 3x3.
    assert.deepEqual(shape('resnet50', 'conv1.weight'), [64, 3, 3, 3]);
  });
});

describe('a net runs at any batch size, each image by itself:', () => {
  for (const name of ['resnet20', 'se_resnet20']) {
    it(name, async () => {
      const graph = buildModel(name, { numClasses: 7, imageSize: 16 });
      initializeParameters(graph, 3);
      const session = await load(graph);
      const run = async (images: Float32Array): Promise<Float32Array> => {
        const dims = [images.length / (3 * 16 * 16), 3, 16, 16];
        const { logits } = await session.run({ input: new Tensor('float32', images, dims) });
        assert.deepEqual([...logits!.dims], [dims[0], 7]);
        return logits!.data as Float32Array;
      };
      const random = new Random(1);
      const images = Float32Array.from({ length: 4 * 3 * 16 * 16 }, () => random.normal());
      const together = await run(images);
      const largest = Math.max(...together.map(Math.abs));
      assert.ok(largest > 0.1, `logits up to ${largest}`);
      assert.ok(together.every(Number.isFinite));
      for (let i = 0; i < 4; i++) {
        const alone = await run(images.subarray(i * 768, (i + 1) * 768));
        alone.forEach((value, c) => {
          assert.ok(Math.abs(value - together[i * 7 + c]!) < 1e-5 * largest);
        });
      }
      assert.notDeepEqual(together.subarray(0, 7), together.subarray(7, 14));
      await session.release();
    });
  }
});

describe('initialisation', () => {
  const initialized = (name: string, seed: number): Graph => {
    const graph = buildModel(name, { numClasses: 100 });
    initializeParameters(graph, seed);
    return graph;
  };
  const graph = initialized('se_resnet20', 5);
  const tensors = [...graph.initializers].map(([name, tensor]) => ({
    name,
    dims: tensor.dims,
    data: tensor.data as Float32Array,
  }));

  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(initialized('se_resnet20', 5).initializers, graph.initializers);
    const other = initialized('se_resnet20', 6).initializers;
    for (const { name, data } of tensors) {
      const isRandom = /(conv\d|fc\d?|downsample\.0)\.(weight|bias)$/.test(name);
      assert.equal(
        Buffer.compare(bytesOf(data), bytesOf(other.get(name)!.data as Float32Array)) !== 0,
        isRandom,
        name,
      );
    }
  });

  it('gives no two tensors the same numbers', () => {
    const starts = tensors.filter(({ dims }) => dims.length > 1).map(({ data }) => data.slice(0, 4).join());
    assert.equal(new Set(starts).size, starts.length);
  });

  it('draws conv weights with the std sqrt(2 / fan out)', () => {
    const convs = tensors.filter(({ dims }) => dims.length === 4);
    // 19 convs of 3x3, 2 projections and 2 in each of 9 gates.
    assert.equal(convs.length, 39);
    for (const { name, dims, data } of convs) {
      const n = data.length;
      const std = Math.sqrt(2 / (dims[0]! * sizeOf(dims.slice(2))));
      const mean = data.reduce((sum, value) => sum + value, 0) / n;
      const second = data.reduce((sum, value) => sum + value * value, 0) / n;
      // Five standard errors: of a mean std/sqrt(n), of a second moment of a normal std^2 sqrt(2/n).
      assert.ok(Math.abs(mean) < (5 * std) / Math.sqrt(n), `${name}: mean ${mean}`);
      assert.ok(Math.abs(second / std ** 2 - 1) < 5 * Math.sqrt(2 / n), `${name}: std ${Math.sqrt(second)}`);
      const beyond = data.filter((value) => Math.abs(value) > 1.96 * std).length / n;
      assert.ok(
        Math.abs(beyond - 0.05) < 5 * Math.sqrt((0.05 * 0.95) / n),
        `${name}: ${beyond} beyond 1.96 std`,
      );
    }
  });

  it('counts of a grouped conv the outputs of a group', () => {
    const { dims, data } = initialized('mobilenetv2', 5).initializers.get('features.18.0.weight')!;
    const { dims: depthwise, data: few } = initialized('mobilenetv2', 5).initializers.get(
      'features.17.conv.1.0.weight',
    )!;
    assert.deepEqual(
      [dims, depthwise],
      [
        [1280, 320, 1, 1],
        [960, 1, 3, 3],
      ],
    );
    for (const [values, fanOut] of [
      [data, 1280],
      [few, 9],
    ] as const) {
      const second = (values as Float32Array).reduce((sum, value) => sum + value * value, 0) / values.length;
      assert.ok(Math.abs((second * fanOut) / 2 - 1) < 5 * Math.sqrt(2 / values.length), `${second}`);
    }
  });

  it('draws linear weights and all biases uniformly within 1 / sqrt(fan in)', () => {
    const fanIn = (name: string): number => {
      const weight = graph.initializers.get(name.replace(/bias$/, 'weight'))!.dims;
      return sizeOf(weight.slice(1));
    };
    const uniform = tensors.filter(({ name }) => name === 'fc.weight' || /fc\d?\.bias$/.test(name));
    assert.equal(uniform.length, 2 + 2 * 9);
    for (const { name, data } of uniform) {
      const bound = 1 / Math.sqrt(fanIn(name));
      const largest = Math.max(...data.map(Math.abs));
      assert.ok(largest <= Math.fround(bound), `${name}: ${largest} beyond ${bound}`);
      const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
      assert.ok(Math.abs(mean) < (5 * bound) / Math.sqrt(3 * data.length), `${name}: mean ${mean}`);
    }
    const { data } = tensors.find(({ name }) => name === 'fc.weight')!;
    const bound = 1 / Math.sqrt(64);
    const variance = data.reduce((sum, value) => sum + value * value, 0) / data.length;
    // A uniform value's square has the mean bound^2/3, and a spread of bound^2 sqrt(4/45) about it.
    assert.ok(Math.abs(variance / bound ** 2 - 1 / 3) < 5 * Math.sqrt(4 / 45 / data.length));
    assert.ok(Math.max(...data) > 0.99 * bound && Math.min(...data) < -0.99 * bound);
  });

  it('sets batch norms to 1 and 0', () => {
    const norms = tensors.filter(({ name }) => /(bn\d|downsample\.1)\./.test(name));
    // 19 convs and 2 projections have one each.
    assert.equal(norms.length, 4 * 21);
    for (const { name, data } of norms) {
      const value = /(\.weight|running_var)$/.test(name) ? 1 : 0;
      assert.ok(
        data.every((element) => element === value),
        name,
      );
    }
  });
});

function bytesOf(data: Float32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Loads a graph in onnxruntime; unoptimised, which is the quickest to load. */
function load(graph: Graph): Promise<InferenceSession> {
  return openSession(encodeModel(graph), {
    graphOptimizationLevel: 'disabled',
    threads: 1,
  });
}
