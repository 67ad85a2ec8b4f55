/** The bytes of a pickle in protocol 2, as Python 2 writes them: every string a byte string. */
export function pickleOf(value: unknown): Buffer {
  return Buffer.concat([Buffer.from([0x80, 2]), encode(value), Buffer.from('.')]);
}

/** Opcodes as they are: text stands for itself, numbers are bytes. */
export function opcodes(...parts: (string | number | Uint8Array)[]): Buffer {
  const chunks = parts.map((part) =>
    typeof part === 'number'
      ? Buffer.from([part])
      : typeof part === 'string'
        ? Buffer.from(part, 'latin1')
        : part,
  );
  return Buffer.concat(chunks);
}

/** A numpy array in a value for {@link pickleOf}. */
export class ArrayOf {
  constructor(
    readonly shape: number[],
    readonly data: Uint8Array,
    readonly dtype = 'u1',
    readonly fortranOrder = false,
  ) {}
}

function encode(value: unknown): Buffer {
  if (typeof value === 'number') return opcodes('J', int32(value));
  if (typeof value === 'string') return opcodes('T', int32(value.length), value);
  if (Array.isArray(value)) return opcodes(']', '(', ...value.map(encode), 'e');
  if (value instanceof ArrayOf) return encodeArray(value);
  if (typeof value === 'object' && value !== null) {
    return opcodes(
      '}',
      '(',
      ...Object.entries(value).flatMap(([key, item]) => [encode(key), encode(item)]),
      'u',
    );
  }
  throw new Error(`${String(value)} is not pickled here`);
}

function encodeArray({ shape, data, dtype, fortranOrder }: ArrayOf): Buffer {
  return opcodes(
    'cnumpy.core.multiarray\n_reconstruct\n',
    ...['cnumpy\nndarray\n', 'K\0\x85', 'U\x01b', '\x87R'],
    ...['(', 'K\x01', '(', ...shape.map(encode), 't'],
    ...['cnumpy\ndtype\n', encode(dtype), 'K\0K\x01\x87R'],
    ...['(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb', fortranOrder ? '\x88' : '\x89'],
    ...['T', int32(data.length), data, 'tb'],
  );
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
