import { UserError } from '../errors.ts';
import { liteDepths } from '../models/mobilenet.ts';

/**
 * Put before every name by wrappers: DataParallel and DistributedDataParallel, torch.compile, and classes that
 * keep the network in an attribute. Of a net of the zoo any prefix is found, see {@link netPrefix}.
 */
const PREFIXES = [
  ...['module.', '_orig_mod.', 'model.', 'net.', 'network.', 'backbone.', 'resnet.', 'encoder.'],
  '_forward_module.',
];

/** Put anywhere into a name by what wraps single layers: torch.compile, FSDP, activation checkpointing, Fabric. */
const WRAPPERS =
  /(^|\.)(?:(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module|_fpw_module)\.)+/g;

/** Names of other CIFAR ResNets and what torchvision calls the same tensor. */
const RULES: readonly (readonly [pattern: RegExp, replace: (match: RegExpExecArray) => string])[] = [
  // github.com/weiaicunzai/pytorch-cifar100: the stem, residual branch and shortcut are nn.Sequentials.
  [/^conv1\.0\.(\w+)$/, ([, rest]) => `conv1.${rest}`],
  [/^conv1\.1\.(\w+)$/, ([, rest]) => `bn1.${rest}`],
  // conv, bn, relu, conv, bn, (relu, conv, bn): every third is a conv, the one after it its batch norm.
  [
    /^conv([2-5])_x\.(\d+)\.residual_function\.([013467])\.(\w+)$/,
    ([, stage, block, index, rest]) => {
      const layer = Number(index) % 3 === 0 ? 'conv' : 'bn';
      return `layer${Number(stage) - 1}.${block}.${layer}${Math.floor(Number(index) / 3) + 1}.${rest}`;
    },
  ],
  [
    /^conv([2-5])_x\.(\d+)\.shortcut\.([01]\.\w+)$/,
    ([, stage, block, rest]) => `layer${Number(stage) - 1}.${block}.downsample.${rest}`,
  ],
  // github.com/kuangliu/pytorch-cifar.
  [/^(layer\d+\.\d+)\.shortcut\.([01]\.\w+)$/, ([, block, rest]) => `${block}.downsample.${rest}`],
  [/^linear\.(weight|bias)$/, ([, rest]) => `fc.${rest}`],
];

/** EfficientNet-Lite0 and Lite2, by how many blocks their stages have. */
const LITE_DEPTHS = [1, 1.2].map(liteDepths);

/** github.com/lukemelas/EfficientNet-PyTorch and what was made of it count blocks through all stages. */
const FLAT_BLOCK = /(?:^|\.)_blocks\.(\d+)\._/;
const FLAT_NAME =
  /^_(?:(conv_stem|conv_head)|bn([01])|fc|blocks\.(\d+)\._(expand_conv|depthwise_conv|project_conv|bn[012]))\.(\w+)$/;

/** Which stages the blocks are of that names count through; none if they are of no EfficientNet-Lite of the zoo. */
function stagesOf(names: readonly string[]): readonly number[] {
  const last = names.reduce((most, name) => Math.max(most, Number(FLAT_BLOCK.exec(name)?.[1] ?? -1)), -1);
  const depths = LITE_DEPTHS.find((each) => each.reduce((sum, depth) => sum + depth, 0) === last + 1);
  return depths ?? [];
}

/** What timm calls a tensor of an EfficientNet-Lite whose blocks are counted through. */
function liteName(name: string, depths: readonly number[]): string | undefined {
  const match = FLAT_NAME.exec(name);
  if (!match || depths.length === 0) return undefined;
  const [, conv, norm, flat, layer, rest] = match;
  if (conv !== undefined) return `${conv}.${rest}`;
  if (norm !== undefined) return `bn${Number(norm) + 1}.${rest}`;
  if (layer === undefined) return `classifier.${rest}`;
  let [stage, index] = [0, Number(flat)];
  while (index >= depths[stage]!) index -= depths[stage++]!;
  // The first stage's block does not widen.
  const layers =
    stage === 0
      ? { depthwise_conv: 'conv_dw', bn1: 'bn1', project_conv: 'conv_pw', bn2: 'bn2' }
      : {
          ...{ expand_conv: 'conv_pw', bn0: 'bn1', depthwise_conv: 'conv_dw', bn1: 'bn2' },
          ...{ project_conv: 'conv_pwl', bn2: 'bn3' },
        };
  const known = (layers as Record<string, string>)[layer];
  return known && `blocks.${stage}.${index}.${known}.${rest}`;
}

/**
 * A name as torchvision, or of an EfficientNet timm, has it; one that is not known is returned as it is.
 * @param depths see {@link stagesOf}
 */
function torchvisionName(name: string, depths: readonly number[]): string {
  for (const [pattern, replace] of RULES) {
    const match = pattern.exec(name);
    if (match) return replace(match);
  }
  return liteName(name, depths) ?? name;
}

/** What the zoo's nets call their tensors: ResNets and MobileNets as torchvision, EfficientNets as timm, airbench as here. */
interface Family {
  /** A part of a net, in full. */
  part: RegExp;
  /** What is named as a part of such a net would be, whether one has it or not. */
  like: RegExp;
  stem: string;
  /** Of which a net has one at least, beside its stem. */
  others: readonly string[];
  /** What the classifier may be. */
  classifiers: readonly string[];
}

const TENSOR = '(weight|bias|running_mean|running_var)$';

const FAMILIES: Readonly<Record<'resnet' | 'mobilenet' | 'efficientnet' | 'airbench', Family>> = {
  resnet: {
    part: RegExp(`^(conv1|bn1|layer\\d+\\.\\d+\\.(conv|bn|downsample|se)[\\w.]*|fc)\\.${TENSOR}`),
    like: /^(conv|bn|layer|stem|fc|downsample|maxpool|avgpool)\d*\./,
    stem: 'conv1.weight',
    others: ['fc.weight', 'layer1.0.conv1.weight'],
    classifiers: ['fc.weight'],
  },
  mobilenet: {
    part: RegExp(`^(features\\.\\d+\\.(0|1|(conv|block)\\.\\d[\\w.]*)|classifier\\.\\d+)\\.${TENSOR}`),
    like: /^(features|classifier)\./,
    stem: 'features.0.0.weight',
    others: ['features.1.conv.0.0.weight', 'features.1.block.0.0.weight'],
    classifiers: ['classifier.3.weight', 'classifier.1.weight'],
  },
  efficientnet: {
    part: RegExp(
      `^(conv_stem|conv_head|bn[12]|blocks\\.\\d+\\.\\d+\\.(conv_(pw|dw|pwl)|bn[123])|classifier)\\.${TENSOR}`,
    ),
    like: /^_?(conv_\w+|bn\d*|blocks|classifier|fc)\./,
    stem: 'conv_stem.weight',
    others: ['classifier.weight', 'blocks.0.0.conv_dw.weight'],
    classifiers: ['classifier.weight'],
  },
  airbench: {
    part: RegExp(`^(whiten|layer\\d\\.(conv|bn)\\d|fc)\\.${TENSOR}`),
    like: /^(whiten|layer|fc)\d*\./,
    stem: 'whiten.weight',
    others: ['fc.weight', 'layer1.conv1.weight'],
    classifiers: ['fc.weight'],
  },
};

export type FamilyName = keyof typeof FAMILIES;

/** Which nets tensors are named as those of; ResNets if none. */
export function familyOf(names: readonly string[]): FamilyName {
  return netPrefix(names)?.family ?? 'resnet';
}

/** Whether a name is of the net itself, rather than of something that was saved beside it. */
export function isOfNet(name: string, family: FamilyName): boolean {
  return FAMILIES[family].like.test(name);
}

/** The classifier's weight: the one that is there, else what it would be called. */
export function classifierName(names: ReadonlyMap<string, unknown>, family: FamilyName): string {
  const { classifiers } = FAMILIES[family];
  return classifiers.find((name) => names.has(name)) ?? classifiers[0]!;
}

/**
 * The prefix under which names are those of a net of the zoo: of all that stand before such names, the one with
 * most of them; undefined if there is no stem with blocks or a classifier. Other names may lie beside.
 * @returns the prefix with its last dot, or an empty text, and those that have as many
 */
export function netPrefix(
  names: readonly string[],
): { prefix: string; others: string[]; family: FamilyName } | undefined {
  const depths = stagesOf(names);
  const families = Object.entries(FAMILIES) as [FamilyName, Family][];
  const parts = new Map(families.map(([family]) => [family, new Map<string, Set<string>>()]));
  for (const name of names) {
    const plain = name.replace(WRAPPERS, '$1');
    // Names have few dots; a hostile one with many would take long.
    for (let at = 0, dots = 0; at >= 0 && dots < 12; dots++) {
      const known = torchvisionName(plain.slice(at), depths);
      for (const [family, { part }] of families) {
        if (!part.test(known)) continue;
        const prefix = plain.slice(0, at);
        const found = parts.get(family)!.get(prefix);
        if (found) found.add(known);
        else parts.get(family)!.set(prefix, new Set([known]));
      }
      const dot = plain.indexOf('.', at);
      at = dot < 0 ? -1 : dot + 1;
    }
  }
  const nets = families
    .flatMap(([family, { stem, others }]) =>
      [...parts.get(family)!].flatMap(([prefix, found]) =>
        found.has(stem) && others.some((name) => found.has(name))
          ? [{ family, prefix, size: found.size }]
          : [],
      ),
    )
    .sort((a, b) => b.size - a.size || rankOf(a.prefix) - rankOf(b.prefix));
  const [first] = nets;
  if (!first) return undefined;
  const others = nets.slice(1).filter(({ size }) => size === first.size);
  return { prefix: first.prefix, family: first.family, others: others.map(({ prefix }) => prefix) };
}

/** An average comes after what it is of. */
function rankOf(prefix: string): number {
  return (/ema|averag|swa|teacher|shadow|momentum|target/i.test(prefix) ? 1000 : 0) + prefix.length;
}

/**
 * Renames tensors as in torchvision (EfficientNets as in timm): the prefix of a net of the zoo is taken off, or of
 * another net wrappers' prefixes that all names share, and the names of weiaicunzai/pytorch-cifar100,
 * kuangliu/pytorch-cifar and lukemelas/EfficientNet-PyTorch translated. Names not known, and of what lies beside the net, stay as they are.
 * @throws UserError if two tensors get the same name
 */
export function toTorchvisionNames<T>(tensors: ReadonlyMap<string, T>, source: string): Map<string, T> {
  const renamed = new Map<string, T>();
  const names = [...tensors.keys()];
  const plain = names.map((name) => name.replace(WRAPPERS, '$1'));
  const net = netPrefix(names);
  const prefix = net?.prefix ?? sharedPrefix(plain);
  const depths = stagesOf(names);
  const beside: [string, T][] = [];
  for (const [index, [name, tensor]] of [...tensors].entries()) {
    if (!plain[index]!.startsWith(prefix)) {
      beside.push([name, tensor]);
      continue;
    }
    const known = torchvisionName(plain[index]!.slice(prefix.length), depths);
    if (renamed.has(known)) throw new UserError(`${source} has two tensors that are "${known}"`);
    renamed.set(known, tensor);
  }
  // What is called like a part of the net, but is beside it, must not be taken for one.
  for (const [name, tensor] of beside)
    renamed.set(
      isOfNet(name, net?.family ?? 'resnet') || renamed.has(name) ? `(beside) ${name}` : name,
      tensor,
    );
  return renamed;
}

function sharedPrefix(names: readonly string[]): string {
  let shared = '';
  for (;;) {
    const next = PREFIXES.find((prefix) => names.every((name) => name.startsWith(shared + prefix)));
    if (next === undefined || names.length === 0) return shared;
    shared += next;
  }
}

/** Entries of our checkpoints that are the optimiser's state. */
const OPTIMIZER = /^optimizer\./;
/** Those that are a moving average of the weights, which is what a run is evaluated and exported with. */
const AVERAGED = /^ema\./;

/**
 * Which tensors of a checkpoint are the model's: not the optimiser's, and averaged ones where an average is
 * kept.
 * @returns by the tensors' names in the checkpoint, those in the model
 */
export function modelTensorNames(names: readonly string[]): Map<string, string> {
  const own = names.filter((name) => !OPTIMIZER.test(name));
  const averaged = own.filter((name) => AVERAGED.test(name));
  if (averaged.length === 0) return new Map(own.map((name) => [name, name]));
  return new Map(averaged.map((name) => [name, name.replace(AVERAGED, '')]));
}
