import { UserError } from '../../errors.ts';
import type { PickleFunction, PickleRules } from '../../pickle/rules.ts';
import type { FloatFormat } from '../float-formats.ts';
import { StorageReference, TensorReference } from './tensor.ts';

/** PyTorch's typed storages: the format of floating-point numbers, or the size of anything else. */
const STORAGES: readonly (readonly [name: string, format: FloatFormat | 'other', elementBytes: number])[] = [
  ['FloatStorage', 'float32', 4],
  ['HalfStorage', 'float16', 2],
  ['BFloat16Storage', 'bfloat16', 2],
  ['DoubleStorage', 'float64', 8],
  ['LongStorage', 'other', 8],
  ['IntStorage', 'other', 4],
  ['ShortStorage', 'other', 2],
  ['CharStorage', 'other', 1],
  ['ByteStorage', 'other', 1],
  ['BoolStorage', 'other', 1],
];

/** Seen beside the weights, as an epoch's accuracy or a device; read over, for nothing needs them. */
const INERT: readonly string[] = [
  '_codecs.encode',
  'numpy.dtype',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  'torch.device',
  'torch.Size',
];

class StorageType {
  constructor(
    readonly format: FloatFormat | 'other',
    readonly elementBytes: number,
  ) {}
}

/** A Python object of which nothing is needed, e.g. a NumPy scalar beside the weights. */
class Opaque {
  constructor(readonly name: string) {}
}

/**
 * What a checkpoint of tensors may name: an allow-list, so that a hostile pickle names nothing else.
 * Storages become {@link StorageReference}s, tensors {@link TensorReference}s; nothing is read yet.
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
  const rebuildParameter: PickleFunction = ([tensor]) => {
    if (!(tensor instanceof TensorReference)) throw malformed('parameter');
    return tensor;
  };
  // The items of an OrderedDict follow by SETITEMS; an old pickle passes them as a list of pairs.
  const orderedDict: PickleFunction = ([pairs = []]) => {
    if (!Array.isArray(pairs) || !pairs.every(isPair)) throw malformed('OrderedDict');
    return new Map(pairs);
  };
  const set: PickleFunction = ([items = []]) => {
    if (!Array.isArray(items)) throw malformed('set');
    return new Set(items);
  };
  const globals = new Map<string, PickleFunction | StorageType>([
    ['collections.OrderedDict', orderedDict],
    ['__builtin__.set', set],
    ['builtins.set', set],
    ['torch._utils._rebuild_tensor_v2', rebuildTensor],
    ['torch._utils._rebuild_tensor', rebuildTensor],
    ['torch._utils._rebuild_parameter', rebuildParameter],
  ]);
  for (const name of INERT) globals.set(name, () => new Opaque(name));
  for (const [name, format, size] of STORAGES) globals.set(`torch.${name}`, new StorageType(format, size));

  return {
    byteStrings: 'text',
    // A state dict's state is the versions of its layers (`_metadata`), which nothing here reads.
    lenient: true,
    globals,
    unknownGlobal: (name) =>
      new UserError(
        `${source} holds the Python object ${printable(name)}, and only tensors are read, nothing is executed; ` +
          'in PyTorch, save torch.save(model.state_dict(), FILE)',
      ),
    persistentLoad(id) {
      // ('storage', type, key, device, elements), and in the legacy format a view, which is None.
      const [tag, type, key, , length, view = null] = Array.isArray(id) ? id : [];
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
