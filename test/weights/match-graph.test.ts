import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { buildModel, MODEL_NAMES } from '../../core/models/zoo.ts';
import {
  type Attribute,
  float,
  floatTensor,
  type Graph,
  int,
  int64Tensor,
  ints,
  sizeOf,
  str,
} from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import type { Onnx } from '../../core/onnx/newer-fields.ts';
import { parseModel, serializeModel } from '../../core/onnx/parse-model.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { decodeWeights, describeWeights } from '../../core/weights/load-weights.ts';
import { matchGraph } from '../../core/weights/match-graph.ts';
import { toFloat16 } from '../../core/weights/to-float16.ts';
import { hashUniform } from '../fixtures/torch-fixture.ts';
import { fixturePath } from './support.ts';

/** Which tensor of the net each initializer is, by make_zoo_graphs.py there. */
const FILES = JSON.parse(readFileSync(fixturePath('zoo-graphs.json'), 'utf8')) as Record<
  string,
  Record<string, { name: string; transposed: boolean }>
>;

/** A file of PyTorch's exporters, which has no weights, with random ones. */
function filled(file: string): {
  bytes: Uint8Array;
  values: Map<string, Float32Array>;
  model: Onnx.ModelProto;
} {
  const model = parseModel(readFileSync(fixturePath(`zoo-graphs/${file}.onnx`)), file);
  const values = new Map<string, Float32Array>();
  for (const [seed, tensor] of (model.graph.initializer ?? []).entries()) {
    if (!(tensor.name! in FILES[file]!)) continue;
    const data = Float32Array.from({ length: sizeOf((tensor.dims ?? []).map(Number)) }, (_, i) =>
      hashUniform(seed, i),
    );
    tensor.rawData = new Uint8Array(data.buffer);
    values.set(tensor.name!, data);
  }
  return { bytes: serializeModel(model), values, model };
}

function transposed(data: Float32Array, rows: number): Float32Array {
  const columns = data.length / rows;
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
}

/** The net of a file: the first are resnet20. */
function modelOf(file: string): string {
  const own = MODEL_NAMES.find((name) => file === name || file === `${name}-script`);
  return own ?? (file.includes('-se') ? 'se_resnet20' : 'resnet20');
}

describe("weights of PyTorch's exports are found by their place in the graph", () => {
  for (const [file, known] of Object.entries(FILES)) {
    it(file, () => {
      const { bytes, values } = filled(file);
      const loaded = decodeWeights(bytes, file);
      assert.deepEqual(describeWeights(loaded), []);
      const { model, folded, beside } = fitModel(loaded.tensors, file);
      assert.deepEqual([model, beside], [modelOf(file), []]);
      assert.equal(folded, !file.endsWith('unfolded'));
      const seen = new Set(Object.values(known).map(({ name }) => name));
      for (const [initializer, { name, transposed: isTransposed }] of Object.entries(known)) {
        const { data, dims } = loaded.tensors.get(name)!;
        const given = values.get(initializer)!;
        assert.deepEqual(data, isTransposed ? transposed(given, given.length / dims[0]!) : given, name);
      }
      // Whatever the file has not is a bias of zeros.
      for (const [name, { data }] of loaded.tensors) {
        if (!seen.has(name)) assert.ok(/\.bias$/.test(name) && data.every((value) => value === 0), name);
      }
      assert.ok(loaded.tensors.size - seen.size <= 1);
    });
  }
});

describe('a graph that computes something else', () => {
  const net = (): Graph => buildModel('resnet20', { numClasses: 7 });
  const reasonOf = (graph: Graph): string => {
    const match = matchGraph(graph);
    return 'reason' in match ? match.reason : `it is ${match.model}`;
  };
  const changed = (output: RegExp, change: (node: Graph['nodes'][number]) => void): Graph => {
    const graph = net();
    change(graph.nodes.find(({ name }) => output.test(name))!);
    return graph;
  };
  const attribute = (name: string, value: Attribute) => (node: Graph['nodes'][number]) => {
    node.attributes = { ...node.attributes, [name]: value };
  };

  it('is not taken for a net, and it is said where they part', () => {
    const cases: [Graph, RegExp][] = [
      [net(), /^it is resnet20$/],
      [
        changed(/:layer1\.1\.conv2$/, attribute('dilations', ints([2, 2]))),
        /Conv "Conv:layer1\.1\.conv2" it has one with dilations of \[2,2\]$/,
      ],
      [changed(/:layer2\.0\.conv1$/, attribute('strides', ints([1, 1]))), /with strides of \[1,1\]$/],
      [
        changed(/:logits$/, attribute('alpha', float(2))),
        /most like resnet20, but where the net has Gemm "Gemm:logits" it has Gemm$/,
      ],
      [
        changed(/:layer3\.2\.bn2$/, (node) => {
          node.op = 'InstanceNormalization';
        }),
        /where the net has BatchNormalization "BatchNormalization:layer3\.2\.bn2" it has InstanceNormalization$/,
      ],
      [
        changed(/:bn1\.relu$/, (node) => {
          node.op = 'LeakyRelu';
        }),
        /where the net has Relu .*it has LeakyRelu$/,
      ],
      [buildModel('resnet20', { numClasses: 1 }), /^it is resnet20$/],
    ];
    for (const [graph, message] of cases) assert.match(reasonOf(graph), message);
    const stem = net();
    stem.initializers.set('conv1.weight', floatTensor([16, 3, 7, 7], new Float32Array(16 * 147)));
    assert.match(
      reasonOf(stem),
      /most like resnet20, but where the net has Conv "Conv:conv1" it has one of 7x7$/,
    );
    const headless = net();
    headless.nodes = headless.nodes.filter(({ op }) => op !== 'Gemm');
    assert.equal(reasonOf(headless), 'it does not end in a fully connected layer');
  });

  /** EfficientNet-Lite0 for images that it pads more behind than before, its nodes changed. */
  const lite = (change: (node: Graph['nodes'][number], graph: Graph) => void): Graph => {
    const graph = buildModel('efficientnet-lite0', { numClasses: 7, imageSize: 64 });
    for (const node of [...graph.nodes]) change(node, graph);
    return graph;
  };

  it('is one of the zoo however its padding is written, and not with another', () => {
    const pads = ({ attributes }: Graph['nodes'][number]): number[] =>
      attributes.pads?.type === 'ints' ? attributes.pads.value : [];
    const isUneven = (node: Graph['nodes'][number]) => pads(node)[0] !== pads(node)[2];
    const padded = (value: number) =>
      lite((node, graph) => {
        if (node.op !== 'Conv' || !isUneven(node)) return;
        const [top = 0, left = 0, bottom = 0, right = 0] = pads(node);
        const all = [0, 0, top, left, 0, 0, bottom, right];
        const [input = '', weight = ''] = node.inputs;
        graph.initializers.set(`${weight} pads`, int64Tensor(all));
        graph.initializers.set(`${weight} value`, floatTensor([], [value]));
        const pad = { op: 'Pad', domain: '', name: '', attributes: {} };
        const inputs = [input, `${weight} pads`, `${weight} value`];
        graph.nodes.push({ ...pad, inputs, outputs: [`${weight} padded`] });
        node.inputs = [`${weight} padded`, weight];
        node.attributes = { ...node.attributes, pads: ints([0, 0, 0, 0]) };
      });
    assert.equal(
      lite((node) => assert.ok(node.op !== 'Conv' || pads(node).length === 4)).nodes.filter(isUneven).length,
      5,
    );
    assert.equal(reasonOf(padded(0)), 'it is efficientnet-lite0');
    assert.match(reasonOf(padded(1)), /most like efficientnet-lite0, but/);
    const automatic = (way: string) =>
      lite((node) => {
        if (node.op !== 'Conv') return;
        const { pads: _, ...attributes } = node.attributes;
        node.attributes = { ...attributes, auto_pad: str(way) };
      });
    assert.equal(reasonOf(automatic('SAME_UPPER')), 'it is efficientnet-lite0');
    assert.match(reasonOf(automatic('SAME_LOWER')), /most like efficientnet-lite0, but/);
    // As timm's efficientnet_lite0 is, which has the same weights by name and shape.
    const symmetric = lite((node) => {
      if (node.op !== 'Conv' || !isUneven(node)) return;
      node.attributes = { ...node.attributes, pads: ints(pads(node).map(() => pads(node)[2]!)) };
    });
    assert.match(reasonOf(symmetric), /most like efficientnet-lite0, but/);
  });

  it('is not one of the zoo with other activations, groups or pooling', () => {
    const ends = lite(({ op, inputs }, graph) => {
      if (op === 'Clip') graph.initializers.set(inputs[2]!, floatTensor([], [4]));
    });
    assert.match(reasonOf(ends), /it has one from 0 to 4$/);
    const mobile = (model: string, op: string, name: string, value: Attribute) => {
      const graph = buildModel(model, { numClasses: 7, imageSize: 64 });
      for (const node of graph.nodes)
        if (node.op === op) node.attributes = { ...node.attributes, [name]: value };
      return reasonOf(graph);
    };
    assert.match(
      mobile('mobilenetv3-small', 'HardSigmoid', 'alpha', float(0.2)),
      /most like mobilenetv3-small/,
    );
    assert.equal(mobile('mobilenetv3-small', 'HardSigmoid', 'beta', float(0.5)), 'it is mobilenetv3-small');
    assert.match(mobile('mobilenetv2', 'Conv', 'group', int(1)), /it has one of 1 group$/);
    assert.match(mobile('resnet18-imagenet', 'MaxPool', 'pads', ints([0, 0, 1, 1])), /most like resnet18/);
    assert.match(mobile('resnet18-imagenet', 'MaxPool', 'ceil_mode', int(1)), /most like resnet18/);
    assert.equal(mobile('resnet18-imagenet', 'MaxPool', 'ceil_mode', int(0)), 'it is resnet18-imagenet');
  });

  it('is one of the zoo by its folded weights where batch norm has another epsilon', () => {
    const match = matchGraph(changed(/:layer3\.0\.bn1$/, attribute('epsilon', float(1e-3))));
    assert.ok('tensors' in match && match.tensors.has('layer3.0.conv1.bias'));
    assert.ok(!match.tensors.has('layer3.0.bn1.weight'));
  });

  it('is given up where it could be followed without end', () => {
    // Both sides of every addition go the same way down to the stem, which is another.
    const graph = buildModel('resnet34', { numClasses: 7 });
    graph.initializers.set('conv1.weight', floatTensor([64, 3, 5, 5], new Float32Array(64 * 75)));
    const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
    for (const node of graph.nodes.filter(({ op }) => op === 'Add')) {
      const branch = producers.get(node.inputs[0]!)!;
      graph.nodes.push({ ...branch, name: `${branch.name} again`, outputs: [`${branch.outputs[0]} again`] });
      node.inputs[1] = `${branch.outputs[0]} again`;
    }
    const start = performance.now();
    assert.match(reasonOf(graph), /most like resnet34/);
    assert.ok(performance.now() - start < 20_000);
  });

  it('gives every tensor of floats that it has, and says what else may be weights', () => {
    const graph: Graph = {
      ...{ name: 'g', inputs: [{ name: 'x', dtype: 'float32', dims: ['n', 3, 4, 4] }] },
      outputs: [{ name: 'y', dtype: 'float32', dims: ['n', 3] }],
      nodes: [
        {
          ...{ op: 'Constant', domain: '', name: 'c', inputs: [], outputs: ['constant'] },
          attributes: { value: { type: 'tensor', value: floatTensor([2], [5, 6]) } },
        },
        {
          ...{
            op: 'Any',
            domain: 'com.microsoft',
            name: 'a',
            inputs: ['x', 'constant', 'half'],
            outputs: ['y'],
          },
          attributes: { axis: int(1) },
        },
      ],
      initializers: new Map([
        ['ln.weight', floatTensor([2], [1, 2])],
        ['half', { dtype: 'float16', dims: [1], data: toFloat16(Float32Array.of(1.5)) }],
        ['position', floatTensor([], [3])],
        ['axes', { dtype: 'int64', dims: [1], data: BigInt64Array.of(1n) }],
        ['quantised', { dtype: 'int8', dims: [2, 2], data: new Int8Array(4) }],
        ['narrow', { dtype: 'int4', dims: [4], data: new Uint8Array(2) }],
      ]),
    };
    const loaded = decodeWeights(encodeModel(graph), 'x');
    assert.deepEqual(
      [...loaded.tensors].map(([name, { data }]) => [name, ...data]),
      [
        ['ln.weight', 1, 2],
        ['half', 1.5],
        ['position', 3],
        ['constant', 5, 6],
      ],
    );
    assert.deepEqual(describeWeights(loaded), [
      'note      of no model of the zoo by its graph: it does not end in a fully connected layer',
      'not read  "quantised" (of type int8), "narrow" (of type int4)',
    ]);
    assert.equal(decodeModel(encodeModel(graph)).graph.initializers.size, 6);
  });
});
