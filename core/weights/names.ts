import { UserError } from '../errors.ts';

/**
 * Put before every name by wrappers: DataParallel and DistributedDataParallel, torch.compile, and classes that
 * keep the network in an attribute.
 */
const PREFIXES = ['module.', '_orig_mod.', 'model.', 'net.', 'network.', 'backbone.'];

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

/** A name as torchvision has it; one that is not known is returned as it is. */
export function torchvisionName(name: string): string {
  for (const [pattern, replace] of RULES) {
    const match = pattern.exec(name);
    if (match) return replace(match);
  }
  return name;
}

/**
 * Renames tensors as in torchvision: wrappers' prefixes that all names share are taken off, and the names of
 * weiaicunzai/pytorch-cifar100 and kuangliu/pytorch-cifar translated. Names not known stay as they are.
 * @throws UserError if two tensors get the same name
 */
export function toTorchvisionNames<T>(tensors: ReadonlyMap<string, T>, source: string): Map<string, T> {
  const renamed = new Map<string, T>();
  const prefix = sharedPrefix([...tensors.keys()]);
  for (const [name, tensor] of tensors) {
    const known = torchvisionName(name.slice(prefix.length));
    if (renamed.has(known)) throw new UserError(`${source} has two tensors that are "${known}"`);
    renamed.set(known, tensor);
  }
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
