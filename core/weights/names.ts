import { UserError } from '../errors.ts';

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

/** A name as torchvision has it; one that is not known is returned as it is. */
export function torchvisionName(name: string): string {
  for (const [pattern, replace] of RULES) {
    const match = pattern.exec(name);
    if (match) return replace(match);
  }
  return name;
}

/** A part of a net of the zoo, in torchvision's names: the stem, a layer of a block, or the classifier. */
const NET_PART =
  /^(conv1|bn1|layer\d+\.\d+\.(conv|bn|downsample|se)[\w.]*|fc)\.(weight|bias|running_mean|running_var)$/;
/** What is named as a part of such a net would be, whether one has it or not. */
const LIKE_NET_PART = /^(conv|bn|layer|stem|fc|downsample|maxpool|avgpool)\d*\./;

/** Whether a name is of the net itself, rather than of something that was saved beside it. */
export function isOfNet(name: string): boolean {
  return LIKE_NET_PART.test(name);
}

/**
 * The prefix under which names are those of a net of the zoo: of all that stand before such names, the one with
 * most of them; undefined if there is no stem with blocks or a classifier. Other names may lie beside.
 * @returns the prefix with its last dot, or an empty text, and those that have as many
 */
export function netPrefix(names: readonly string[]): { prefix: string; others: string[] } | undefined {
  const parts = new Map<string, Set<string>>();
  for (const name of names) {
    const plain = name.replace(WRAPPERS, '$1');
    // Names have few dots; a hostile one with many would take long.
    for (let at = 0, dots = 0; at >= 0 && dots < 12; dots++) {
      const known = torchvisionName(plain.slice(at));
      if (NET_PART.test(known)) {
        const prefix = plain.slice(0, at);
        const found = parts.get(prefix);
        if (found) found.add(known);
        else parts.set(prefix, new Set([known]));
      }
      const dot = plain.indexOf('.', at);
      at = dot < 0 ? -1 : dot + 1;
    }
  }
  const nets = [...parts]
    .filter(
      ([, found]) =>
        found.has('conv1.weight') && (found.has('fc.weight') || found.has('layer1.0.conv1.weight')),
    )
    .sort(([a, partsOfA], [b, partsOfB]) => partsOfB.size - partsOfA.size || rankOf(a) - rankOf(b));
  const [first] = nets;
  if (!first) return undefined;
  const others = nets.slice(1).filter(([, { size }]) => size === first[1].size);
  return { prefix: first[0], others: others.map(([prefix]) => prefix) };
}

/** An average comes after what it is of. */
function rankOf(prefix: string): number {
  return (/ema|averag|swa|teacher|shadow|momentum|target/i.test(prefix) ? 1000 : 0) + prefix.length;
}

/**
 * Renames tensors as in torchvision: the prefix of a net of the zoo is taken off, or of another net wrappers'
 * prefixes that all names share, and the names of weiaicunzai/pytorch-cifar100 and kuangliu/pytorch-cifar
 * translated. Names not known, and of what lies beside the net, stay as they are.
 * @throws UserError if two tensors get the same name
 */
export function toTorchvisionNames<T>(tensors: ReadonlyMap<string, T>, source: string): Map<string, T> {
  const renamed = new Map<string, T>();
  const names = [...tensors.keys()];
  const plain = names.map((name) => name.replace(WRAPPERS, '$1'));
  const prefix = netPrefix(names)?.prefix ?? sharedPrefix(plain);
  const beside: [string, T][] = [];
  for (const [index, [name, tensor]] of [...tensors].entries()) {
    if (!plain[index]!.startsWith(prefix)) {
      beside.push([name, tensor]);
      continue;
    }
    const known = torchvisionName(plain[index]!.slice(prefix.length));
    if (renamed.has(known)) throw new UserError(`${source} has two tensors that are "${known}"`);
    renamed.set(known, tensor);
  }
  // What is called like a part of the net, but is beside it, must not be taken for one.
  for (const [name, tensor] of beside)
    renamed.set(isOfNet(name) || renamed.has(name) ? `(beside) ${name}` : name, tensor);
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
