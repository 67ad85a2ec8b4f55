import { UserError } from '../../errors.ts';
import { PickleError } from '../../pickle/reader.ts';
import { PickledObject, type PickleFunction, type PickleRules } from '../../pickle/rules.ts';
import { unpickleAt } from '../../pickle/unpickle.ts';
import type { FloatFormat } from '../float-formats.ts';
import { OtherTensor, StorageReference, TensorReference } from './tensor.ts';

/** Numbers that are no weights: integers and whatever else. */
const OTHER = 'other';

/** PyTorch's typed storages: the format of floating-point numbers, or the size of anything else. */
const STORAGES: readonly (readonly [name: string, format: FloatFormat | 'other', elementBytes: number])[] = [
  ['FloatStorage', 'float32', 4],
  ['HalfStorage', 'float16', 2],
  ['BFloat16Storage', 'bfloat16', 2],
  ['DoubleStorage', 'float64', 8],
  ['LongStorage', OTHER, 8],
  ['IntStorage', OTHER, 4],
  ['ShortStorage', OTHER, 2],
  ['CharStorage', OTHER, 1],
  ['ByteStorage', OTHER, 1],
  ['BoolStorage', OTHER, 1],
  ['ComplexFloatStorage', OTHER, 8],
  ['ComplexDoubleStorage', OTHER, 16],
  ['QInt8Storage', OTHER, 1],
  ['QUInt8Storage', OTHER, 1],
  ['QInt32Storage', OTHER, 4],
  ['QUInt4x2Storage', OTHER, 1],
  ['QUInt2x4Storage', OTHER, 1],
];

/** Element types that have no storage of their own: their tensors are views of bytes. */
const TYPES: ReadonlyMap<string, readonly [format: FloatFormat | 'other', elementBytes: number]> = new Map([
  ['torch.float32', ['float32', 4]],
  ['torch.float16', ['float16', 2]],
  ['torch.bfloat16', ['bfloat16', 2]],
  ['torch.float64', ['float64', 8]],
  ['torch.float8_e4m3fn', ['float8e4m3fn', 1]],
  ['torch.float8_e4m3fnuz', ['float8e4m3fnuz', 1]],
  ['torch.float8_e5m2', ['float8e5m2', 1]],
  ['torch.float8_e5m2fnuz', ['float8e5m2fnuz', 1]],
]);

/** What runs code or reaches other files where Python unpickles it; no checkpoint has cause to name it. */
const HOSTILE: readonly RegExp[] = [
  /^(os|posix|nt|sys|subprocess|pty|runpy|socket|shutil|importlib|ctypes|webbrowser|pickle|_pickle|marshal)\./,
  /^(__builtin__|builtins)\.(eval|exec|execfile|compile|open|input|__import__|globals|apply|file)$/,
  /^torch\.(load|save|hub\..*|jit\.load|ops\.load_library|classes\.load_library)$/,
  // A way from a name that is allowed to any other.
  /\.__(globals|builtins|subclasses|import|loader|code|getattribute|dict|class|bases|mro)__/,
  /^__(?!builtin__|main__|mp_main__|torch__)/,
];

/** Entries of dicts and sets; a checkpoint has thousands. */
const MAX_COPIED = 1_000_000;

class StorageType {
  constructor(
    readonly format: FloatFormat | 'other',
    readonly elementBytes: number,
  ) {}
}

/**
 * Stands for any Python class, function or object that is no weights: a scheduler's counter, the arguments of a
 * script, a path, a random state, a class of the user's. It takes whatever Python would give it, and does nothing.
 */
export class Placeholder extends PickledObject {
  /** The items of one that is a dict, e.g. of a class that extends dict. */
  items = new Map<unknown, unknown>();
  /** Its attributes, as Python has them. */
  state: unknown;

  constructor(readonly name: string) {
    super();
  }

  override setState(state: unknown): void {
    this.state = state;
  }

  override setItems(items: readonly unknown[]): void {
    for (let i = 0; i + 1 < items.length; i += 2) this.items.set(items[i], items[i + 1]);
  }

  override add(): void {}

  override call(args: readonly unknown[]): Placeholder {
    const made = new Placeholder(this.name);
    // A class that extends dict, given another dict; not copied, for it may be given any number of times.
    const [first] = args;
    if (first instanceof Map) made.items = first;
    return made;
  }
}

/**
 * What the names in a checkpoint stand for: storages become {@link StorageReference}s, tensors
 * {@link TensorReference}s, dicts Maps, and all else {@link Placeholder}s. Nothing is read yet, and nothing is ever
 * executed; what could have no other purpose is refused all the same.
 * @param onStorage told of every storage that is referred to
 */
export function checkpointRules(
  source: string,
  onStorage: (storage: StorageReference) => void = () => {},
): PickleRules {
  const malformed = (what: string) => new UserError(`${source} is damaged: it holds a malformed ${what}`);
  const rebuildTensor: PickleFunction = ([storage, offset, dims, strides]) => {
    const fits = storage instanceof StorageReference && isSize(offset) && isSizes(dims) && isSizes(strides);
    if (!fits || dims.length !== strides.length) throw malformed('tensor');
    return new TensorReference(storage, offset, dims, strides);
  };
  // Of types that have no storage of their own: a view of bytes, and the type.
  const rebuildOfType: PickleFunction = ([storage, offset, dims, strides, , , type]) => {
    const isKnown = storage instanceof StorageReference && type instanceof Placeholder;
    if (!isKnown) throw malformed('tensor');
    const [format, bytes] = TYPES.get(type.name) ?? [OTHER, 1];
    const typed = new StorageReference(storage.key, format, bytes, Math.floor(storage.bytes / bytes));
    return rebuildTensor([typed, offset, dims, strides]);
  };
  const rebuildParameter: PickleFunction = ([tensor]) => {
    if (!(tensor instanceof TensorReference || tensor instanceof OtherTensor)) throw malformed('parameter');
    return tensor;
  };
  // A tensor of a class of its own: the function and arguments that make a plain one.
  const rebuildOfClass: PickleFunction = ([rebuild, , args]) =>
    typeof rebuild === 'function' && Array.isArray(args)
      ? (rebuild as PickleFunction)(args)
      : new OtherTensor('a tensor of a class of its own');
  let copied = 0;
  /** A list or dict may be recalled, and copied, any number of times. */
  const copy = <T>(items: T, size: number): T => {
    copied += size;
    if (copied > MAX_COPIED) throw new UserError(`${source} is damaged: it copies its dicts without end`);
    return items;
  };
  // The items of an OrderedDict follow by SETITEMS; an old pickle passes them as a list of pairs.
  const orderedDict: PickleFunction = ([pairs = []]) => {
    if (!Array.isArray(pairs) || !pairs.every(isPair)) throw malformed('OrderedDict');
    return new Map(copy(pairs, pairs.length));
  };
  const dictOf: PickleFunction = (args) => {
    const given = args.find((each): each is Map<unknown, unknown> => each instanceof Map);
    return given ? new Map(copy(given, given.size)) : new Map<unknown, unknown>();
  };
  const set: PickleFunction = ([items = []]) => {
    if (!Array.isArray(items)) throw malformed('set');
    return new Set(copy(items, items.length));
  };
  const globals = new Map<string, PickleFunction | StorageType>([
    ['collections.OrderedDict', orderedDict],
    ['collections.defaultdict', dictOf],
    ['collections.Counter', dictOf],
    ['__builtin__.dict', dictOf],
    ['builtins.dict', dictOf],
    ['__builtin__.set', set],
    ['builtins.set', set],
    ['torch._utils._rebuild_tensor_v2', rebuildTensor],
    ['torch._utils._rebuild_tensor', rebuildTensor],
    ['torch._utils._rebuild_tensor_v3', rebuildOfType],
    ['torch._utils._rebuild_parameter', rebuildParameter],
    ['torch._utils._rebuild_parameter_with_state', rebuildParameter],
    ['torch._tensor._rebuild_from_type', rebuildOfClass],
    ['torch._tensor._rebuild_from_type_v2', rebuildOfClass],
    ['torch._utils._rebuild_sparse_tensor', () => new OtherTensor('a sparse tensor')],
    ['torch._utils._rebuild_sparse_csr_tensor', () => new OtherTensor('a sparse tensor')],
    ['torch._utils._rebuild_qtensor', () => new OtherTensor('a quantised tensor')],
    ['torch._utils._rebuild_nested_tensor', () => new OtherTensor('a nested tensor')],
    ['torch._utils._rebuild_meta_tensor_no_storage', () => new OtherTensor('a tensor without data')],
    ['torch._utils._rebuild_wrapper_subclass', () => new OtherTensor('a tensor of a class of its own')],
  ]);
  for (const [name, format, size] of STORAGES) {
    for (const module of ['torch', 'torch.cuda', 'torch.storage']) {
      globals.set(`${module}.${name}`, new StorageType(format, size));
    }
  }
  for (const name of ['torch.UntypedStorage', 'torch.storage.UntypedStorage']) {
    globals.set(name, new StorageType(OTHER, 1));
  }

  return {
    byteStrings: 'text',
    // A state dict's state is the versions of its layers (`_metadata`), which nothing here reads.
    lenient: true,
    globals,
    unknownGlobal(name) {
      if (HOSTILE.some((pattern) => pattern.test(name))) throw holdsObject(name, source);
      return new Placeholder(name);
    },
    persistentLoad(id) {
      // ('storage', type, key, device, elements), and in the legacy format a view, which is None.
      const [tag, stored, key, , length, view = null] = Array.isArray(id) ? id : [];
      // Of a type of later versions; its tensors say how they are to be read, if they can be.
      const type = stored instanceof Placeholder ? new StorageType(OTHER, 1) : stored;
      if (tag !== 'storage' || !(type instanceof StorageType) || typeof key !== 'string' || !isSize(length)) {
        throw malformed('storage');
      }
      if (view !== null) {
        throw new UserError(
          `${source} has storages that are views, as PyTorch before 0.4 wrote; ` +
            'load and save it again with a newer PyTorch',
        );
      }
      const storage = new StorageReference(key, type.format, type.elementBytes, length);
      onStorage(storage);
      return storage;
    },
  };
}

/** The refusal of a file for what it holds instead of weights. */
export function holdsObject(name: string, source: string): UserError {
  return new UserError(
    `${source} holds the Python object ${printable(name)}, and only tensors are read, nothing is executed; ` +
      'in PyTorch, save torch.save(model.state_dict(), FILE)',
  );
}

function isPair(value: unknown): value is [unknown, unknown] {
  return Array.isArray(value) && value.length === 2;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}

/** A name from a file must not carry control characters to a terminal, nor fill its screen. */
function printable(name: string): string {
  return name.replace(/[^\w.]/g, '?').slice(0, 100);
}

/**
 * Reads one of a checkpoint's pickles as plain data; nothing is executed.
 * @param rules what it may name, see `checkpointRules`
 * @param offset where the pickle starts
 * @returns the value, and the offset behind the pickle
 * @throws UserError if it is malformed, or holds other Python objects
 */
export function unpickle(
  bytes: Uint8Array,
  source: string,
  rules: PickleRules,
  offset = 0,
): { value: unknown; end: number } {
  try {
    return unpickleAt(bytes, rules, offset);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new UserError(
      `${source} is damaged, or holds more than weights: its pickle ${error.message}; ` +
        'copy or download it again, or save the state dict alone',
    );
  }
}
