import { UserError } from '../errors.ts';
import type { Graph } from '../onnx/graph.ts';
import { type AirbenchConfig, buildAirbench } from './airbench.ts';
import type { ModelOptions } from './layers.ts';
import {
  buildMobileNet,
  efficientNetLite,
  type MobileNetConfig,
  mobileNetV2,
  mobileNetV3Small,
} from './mobilenet.ts';
import { buildResNet, type ResNetConfig } from './resnet.ts';

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

const WIDE: ResNetConfig[] = [
  wide('resnet18', 'basic', [2, 2, 2, 2]),
  wide('resnet34', 'basic', [3, 4, 6, 3]),
  wide('resnet50', 'bottleneck', [3, 4, 6, 3]),
  wide('resnet101', 'bottleneck', [3, 4, 23, 3]),
  wide('resnet152', 'bottleneck', [3, 8, 36, 3]),
];

const BASE: ResNetConfig[] = [
  TAPERED,
  small('resnet8', 1),
  small('resnet20', 3),
  small('resnet32', 5),
  small('resnet56', 9),
  ...WIDE,
];

const RESNETS: ResNetConfig[] = [
  ...BASE,
  // Squeeze-and-excitation variants: reduction 16 as in the paper, 4 where 16 channels would leave one.
  ...BASE.map((config) => ({
    ...config,
    name: `se_${config.name}`,
    squeezeExcitation: { reduction: config.stemWidth < 64 ? 4 : 16 },
  })),
  ...WIDE.map((config) => ({ ...config, name: withImageNetStem(config.name), stem: 'imagenet' as const })),
];

/** What a ResNet is called that has ImageNet's stem, as torchvision's have. */
export function withImageNetStem(name: string): string {
  return `${name}-imagenet`;
}

const MOBILE_NETS: MobileNetConfig[] = [
  mobileNetV2(),
  mobileNetV3Small(),
  efficientNetLite('efficientnet-lite0', { imageSize: 224, width: 1, depth: 1 }),
  efficientNetLite('efficientnet-lite2', { imageSize: 260, width: 1.1, depth: 1.2 }),
];

/** For most accuracy in least time, by the accuracy on CIFAR-10 that the paper names them after. */
const AIRBENCHES: AirbenchConfig[] = [
  { name: 'airbench94', widths: [64, 256, 256], depth: 2 },
  { name: 'airbench95', widths: [128, 384, 384], depth: 2 },
  { name: 'airbench96', widths: [128, 512, 512], depth: 3 },
];

const ZOO: ReadonlyMap<string, (options: ModelOptions) => Graph> = new Map([
  ...RESNETS.map((config) => [config.name, (options: ModelOptions) => buildResNet(config, options)] as const),
  ...MOBILE_NETS.map(
    (config) => [config.name, (options: ModelOptions) => buildMobileNet(config, options)] as const,
  ),
  ...AIRBENCHES.map(
    (config) => [config.name, (options: ModelOptions) => buildAirbench(config, options)] as const,
  ),
]);

/** The names `buildModel` takes. */
export const MODEL_NAMES: readonly string[] = [...ZOO.keys()];

/** Those whose published ImageNet weights `npm run pretrained` fetches. */
export const PUBLISHED_NETS = ['efficientnet-lite0', 'efficientnet-lite2'] as const;

/**
 * Emits a model of the zoo as an ONNX graph, its parameters not yet initialised.
 * @throws UserError if there is no model of that name
 */
export function buildModel(name: string, options: ModelOptions): Graph {
  const build = ZOO.get(name);
  if (!build) throw new UserError(`there is no model "${name}"; the zoo has ${MODEL_NAMES.join(', ')}`);
  return build(options);
}
