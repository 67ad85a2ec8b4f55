import { UserError } from '../errors.ts';
import type { Graph } from '../onnx/graph.ts';
import { buildResNet, type ResNetConfig, type ResNetOptions } from './resnet.ts';

const IMAGENET_WIDTHS = [64, 128, 256, 512];
const CIFAR_WIDTHS = [16, 32, 64];

const wide = (name: string, block: ResNetConfig['block'], depths: number[]): ResNetConfig => ({
  name,
  block,
  depths,
  widths: IMAGENET_WIDTHS,
  stemWidth: 64,
});

/** The CIFAR nets of He et al. 2016, section 4.2: 6n+2 layers, n blocks a stage. */
const small = (name: string, n: number): ResNetConfig => ({
  name,
  block: 'basic',
  depths: [n, n, n],
  widths: CIFAR_WIDTHS,
  stemWidth: 16,
});

/**
 * A net for two CPU cores and small files (1.6 MB): narrow at full resolution, where direct convolutions wait
 * for memory, and wider than the CIFAR nets below it, where they do not. 14 layers, 16-48-96 channels.
 */
const TAPERED: ResNetConfig = {
  name: 'resnet14t',
  block: 'basic',
  depths: [2, 2, 2],
  widths: [16, 48, 96],
  stemWidth: 16,
};

const BASE: ResNetConfig[] = [
  TAPERED,
  small('resnet20', 3),
  small('resnet32', 5),
  small('resnet56', 9),
  wide('resnet18', 'basic', [2, 2, 2, 2]),
  wide('resnet34', 'basic', [3, 4, 6, 3]),
  wide('resnet50', 'bottleneck', [3, 4, 6, 3]),
  wide('resnet101', 'bottleneck', [3, 4, 23, 3]),
  wide('resnet152', 'bottleneck', [3, 8, 36, 3]),
];

/** Squeeze-and-excitation variants: reduction 16 as in the paper, 4 where 16 channels would leave one. */
const ZOO: ReadonlyMap<string, ResNetConfig> = new Map(
  [
    ...BASE,
    ...BASE.map((config) => ({
      ...config,
      name: `se_${config.name}`,
      squeezeExcitation: { reduction: config.stemWidth < 64 ? 4 : 16 },
    })),
  ].map((config) => [config.name, config]),
);

/** The names `buildModel` takes. */
export const MODEL_NAMES: readonly string[] = [...ZOO.keys()];

/**
 * Emits a model of the zoo as an ONNX graph, its parameters not yet initialised.
 * @throws UserError if there is no model of that name
 */
export function buildModel(name: string, options: ResNetOptions): Graph {
  const config = ZOO.get(name);
  if (!config) throw new UserError(`there is no model "${name}"; the zoo has ${MODEL_NAMES.join(', ')}`);
  return buildResNet(config, options);
}
