import { buildModel } from '../../../core/models/zoo.ts';
import { floatTensor, type Graph } from '../../../core/onnx/graph.ts';
import { vectorLayout } from '../../../train/state.ts';
import {
  initialParameters,
  readStepFixture,
  type StepFixtureConfig,
  stepImages,
  stepTargets,
} from '../../fixtures/torch-fixture.ts';

/** A net of the zoo with weights and batches generated as those of the PyTorch fixtures are. */
export interface NetCase
  extends Pick<StepFixtureConfig, 'baseSeed' | 'batch' | 'imageSize' | 'learningRates' | 'nesterov'> {
  model: string;
}

const CLASSES = 100;

/** The net and the batches of a PyTorch fixture, chosen so that no input of a ReLU is near its kink. */
export function fixtureCase(name: 'resnet20' | 'resnet18', steps: number): NetCase {
  const { config } = readStepFixture(name);
  return { ...config, learningRates: config.learningRates.slice(0, steps) };
}

export function netOf({ model: name, baseSeed, imageSize }: NetCase): Graph {
  const model = buildModel(name, { numClasses: CLASSES, imageSize });
  const specs = vectorLayout(model).parameters.map(({ name, dims }) => ({ name, shape: [...dims] }));
  for (const [name, data] of initialParameters(specs, baseSeed)) {
    model.initializers.set(name, floatTensor(model.initializers.get(name)!.dims, data));
  }
  return model;
}

/**
 * Makes residual branches a quarter as strong as the path around them, in place, much as training begins where
 * their last batch norm is initialised to zero (Goyal et al. 2017, arXiv:1706.02677). Through 16 blocks of equal
 * strength float32's rounding grows a hundredfold.
 */
export function calmResiduals(model: Graph): void {
  const added = new Set(model.nodes.filter((node) => node.op === 'Add').map((node) => node.inputs[0]!));
  for (const node of model.nodes) {
    if (node.op !== 'BatchNormalization' || !added.has(node.outputs[0]!)) continue;
    const { data } = model.initializers.get(node.inputs[1]!)!;
    data.forEach((value, i) => {
      data[i] = Number(value) / 4;
    });
  }
}

/** The batch of a step (counted from 0); the last one's targets are mixed. */
export function batchOf(net: NetCase, step: number): { images: Float32Array; targets: Float32Array } {
  const config = { ...net, classes: CLASSES, steps: net.learningRates.length, mixLambda: 0.6875 };
  const generated = config as unknown as StepFixtureConfig;
  return { images: stepImages(generated, step), targets: stepTargets(generated, step) };
}

/**
 * The graph with x sigmoid(x) (SiLU, Elfwing et al. 2017, arXiv:1702.03118) for every ReLU. ReLU's gradient
 * jumps at zero: where an input lies within rounding of it, two correct float32 runs may land on different
 * sides, and of the millions of a resnet50 some always do. Without the kink there is nothing to excuse.
 */
export function withoutKinks(graph: Graph): Graph {
  const nodes = graph.nodes.flatMap((node) => {
    if (node.op !== 'Relu') return [node];
    const [x, gate] = [node.inputs[0]!, `${node.outputs[0]}.gate`];
    return [
      { ...node, op: 'Sigmoid', name: `${node.name}.gate`, outputs: [gate] },
      { ...node, op: 'Mul', inputs: [x, gate] },
    ];
  });
  return { ...graph, nodes };
}
