import { UserError } from '../../errors.ts';
import { sizeOf } from '../../onnx/graph.ts';
import { netPrefix } from '../names.ts';
import { isCounter, type TensorFile } from '../safetensors.ts';
import { readArchive } from './archive.ts';
import { holdsObject, Placeholder } from './rules.ts';
import { OtherTensor, readTensor, TensorReference } from './tensor.ts';

/** Where training scripts put the model's state dict in a checkpoint, the more explicit names first. */
const STATE_DICT_KEYS = [
  ...[
    'state_dict',
    'model_state_dict',
    'model_state',
    'model',
    'net',
    'network',
    'weights',
    'module',
    'params',
  ],
  ...['net_state_dict', 'student', 'encoder', 'backbone'],
];

/** Words in keys of what is kept for going on with the training. */
const NOT_WEIGHTS =
  /(^|[_\W])(optim\w*|sched\w*|scaler|amp|rng|random\w*|loss\w*|grads?|callbacks?|loops?|args?|config|hparams?|hyper\w*)([_\W]|$)/i;
/** In those of weights that are not those that were trained, but an average of them, or another net's. */
const AVERAGED = /(^|[_\W])(ema|averag\w*|swa|teacher|shadow|momentum\w*|target)([_\W]|$)/i;

/** Dicts in dicts and lists; a checkpoint may contain itself, and what lies deeper is no state dict. */
const MAX_DEPTH = 4;

type Tensor = TensorReference | OtherTensor;

export interface StateDict {
  /** Its keys from the checkpoint on, as `--key` takes them; empty for the checkpoint itself. */
  key: string;
  /** By name, those that are no weights too. */
  tensors: Map<string, Tensor>;
  /** The keys of others that could have been meant. */
  others: string[];
}

/**
 * Finds the model's state dict in an unpickled checkpoint: the one under `key`, else of all that are in it the one
 * that holds a net by its names, is under one of the usual keys (`state_dict`, `model`, `net`, ...) and no average.
 * @param key of a dict, or of dicts in dicts with dots between; also what the names in a state dict begin with
 * @throws UserError if there is none
 */
export function findStateDict(checkpoint: unknown, source: string, key?: string): StateDict {
  const candidates: Candidate[] = [];
  const modules: Placeholder[] = [];
  collect(checkpoint, [], candidates, modules, new Set());
  const usable = key === undefined ? candidates : under(candidates, key);
  const ranked = usable
    .map(rank)
    .filter(({ keys, rank: [noNet] }) => key !== undefined || noNet === 0 || !isAside(keys))
    .sort(compare);
  const [best] = ranked;
  if (!best || (best.rank[0] === 1 && modules.length > 0 && key === undefined)) {
    throw nothingFound(checkpoint, modules, source, key);
  }
  const others = ranked.slice(1).filter(({ rank: [noNet], tensors }) => {
    return noNet === best.rank[0] && 2 * tensors.size >= best.tensors.size;
  });
  const nameOf = ({ keys }: Candidate): string => keys.join('.');
  return {
    key: nameOf(best),
    tensors: best.tensors,
    others: others.map(nameOf).filter((name) => name !== ''),
  };
}

interface Candidate {
  keys: string[];
  tensors: Map<string, Tensor>;
}

function collect(
  value: unknown,
  keys: string[],
  candidates: Candidate[],
  modules: Placeholder[],
  seen: Set<unknown>,
): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || keys.length > MAX_DEPTH) return;
  seen.add(value);
  if (value instanceof Placeholder && isModule(value)) modules.push(value);
  const items = value instanceof Placeholder ? value.items : value;
  if (items instanceof Map) {
    const tensors = tensorsIn(items);
    if (tensors.size > 0) candidates.push({ keys, tensors });
  }
  if (!(items instanceof Map) && !Array.isArray(items)) return;
  for (const [name, item] of items.entries()) {
    if (typeof item === 'object') collect(item, [...keys, String(name)], candidates, modules, seen);
  }
}

function tensorsIn(items: ReadonlyMap<unknown, unknown>): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [name, item] of items) {
    const isTensor = item instanceof TensorReference || item instanceof OtherTensor;
    if (typeof name === 'string' && isTensor) tensors.set(name, item);
  }
  return tensors;
}

function isAside(keys: readonly string[]): boolean {
  return keys.some((key) => NOT_WEIGHTS.test(key) && !STATE_DICT_KEYS.includes(key));
}

/** A module as Python has it: its weights, and those of the modules in it, are attributes. */
function isModule({ state }: Placeholder): boolean {
  return state instanceof Map && state.has('_modules') && state.has('_parameters');
}

/** The candidates at a key and below; if there are none, the tensors whose names begin with it. */
function under(candidates: readonly Candidate[], key: string): Candidate[] {
  const below = candidates.filter(({ keys }) => `${keys.join('.')}.`.startsWith(`${key}.`));
  if (below.length > 0) return below;
  return candidates.flatMap(({ keys, tensors }) => {
    // Of a dict's own key, what follows it is of the names.
    const own = `${keys.join('.')}.`;
    const start = `${key.startsWith(own) ? key.slice(own.length) : key}.`;
    const named = [...tensors].filter(([name]) => name.startsWith(start));
    const inner = new Map(named.map(([name, tensor]) => [name.slice(start.length), tensor]));
    return inner.size > 0 ? [{ keys: [...keys, start.slice(0, -1)], tensors: inner }] : [];
  });
}

/** Less is better, the first number that differs counts. */
function rank(candidate: Candidate): Candidate & { rank: [noNet: number, ...number[]] } {
  const { keys, tensors } = candidate;
  const isNet = netPrefix([...tensors.keys()]) !== undefined;
  const known = STATE_DICT_KEYS.indexOf(keys.at(-1) ?? '');
  // A checkpoint may have a tensor (a random state) beside its state dict.
  const place = known >= 0 ? known : STATE_DICT_KEYS.length + (keys.length === 0 ? 0 : 1);
  const averaged = keys.some((each) => AVERAGED.test(each));
  return { ...candidate, rank: [isNet ? 0 : 1, averaged ? 1 : 0, place, -tensors.size] };
}

function compare(a: { rank: number[] }, b: { rank: number[] }): number {
  const at = a.rank.findIndex((value, index) => value !== b.rank[index]);
  return at < 0 ? 0 : a.rank[at]! - b.rank[at]!;
}

function nothingFound(
  checkpoint: unknown,
  [module]: readonly Placeholder[],
  source: string,
  key: string | undefined,
): UserError {
  if (module && key === undefined) return holdsObject(module.name, source);
  const items = checkpoint instanceof Placeholder ? checkpoint.items : checkpoint;
  if (!(items instanceof Map)) {
    return new UserError(
      `${source} holds no state dict; in PyTorch, save torch.save(model.state_dict(), FILE)`,
    );
  }
  const keys = [...items.keys()].filter((name) => typeof name === 'string').slice(0, 8);
  const holds =
    keys.length > 0 ? `it holds ${keys.map((name) => JSON.stringify(name)).join(', ')}` : 'it is empty';
  const missing = key === undefined ? 'no state dict' : `no state dict under "${key}"`;
  return new UserError(`${source} has ${missing}; ${holds}`);
}

/**
 * Tensors may share storages and repeat elements (stride 0), so a small file can ask for much memory. Float16
 * doubles; shared weights at most double again.
 */
const MAX_GROWTH = 4;
const ALWAYS_ALLOWED_BYTES = 64 * 2 ** 20;

/**
 * Reads the floating-point tensors of a PyTorch checkpoint's state dict as float32. Those of integers, which
 * are counters (`num_batches_tracked`), are left out. Nothing in the file is executed.
 * @param key the checkpoint's entry that is the state dict; left out: found by what is in it, see `findStateDict`
 * @throws UserError if the file is damaged, or holds no state dict
 */
export function decodePyTorch(bytes: Uint8Array, source: string, key?: string): TensorFile['tensors'] {
  return readPyTorch(bytes, source, key).tensors;
}

/** As {@link decodePyTorch}, with what else is to be told. */
export function readPyTorch(
  bytes: Uint8Array,
  source: string,
  key?: string,
): TensorFile & { notes: string[] } {
  const { root, storages } = readArchive(bytes, source);
  const tensors: TensorFile['tensors'] = new Map();
  const left = new Map<string, string>();
  let budget = MAX_GROWTH * bytes.length + ALWAYS_ALLOWED_BYTES;
  const found = findStateDict(root, source, key);
  for (const [name, tensor] of found.tensors) {
    if (tensor instanceof OtherTensor) {
      left.set(name, tensor.what);
      continue;
    }
    if (tensor.storage.format === 'other') {
      if (!isCounter(name)) left.set(name, 'not of floating-point numbers');
      continue;
    }
    const where = `${source}: tensor ${JSON.stringify(name)}`;
    budget -= sizeOf(tensor.dims) * Float32Array.BYTES_PER_ELEMENT;
    // Not `budget < 0`: sizes that overflow to NaN must not pass.
    if (!(budget >= 0)) throw new UserError(`${where} is larger than the file can explain; it is damaged`);
    const storage = storages.get(tensor.storage.key);
    if (!storage) throw new UserError(`${where} has no data in the file; it is damaged`);
    tensors.set(name, { dims: [...tensor.dims], data: readTensor(tensor, storage, where) });
  }
  if (tensors.size === 0) throw new UserError(`${source} holds no floating-point tensors`);
  const notes =
    found.others.length > 0
      ? [
          `the state dict ${found.key === '' ? 'of the file itself' : `"${found.key}"`} was taken; ` +
            `--key takes another: ${found.others.join(', ')}`,
        ]
      : [];
  return { tensors, metadata: {}, left, notes };
}
