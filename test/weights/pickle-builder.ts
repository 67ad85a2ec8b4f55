/** Bytes of a protocol 2 pickle, an opcode at a time; enough to write checkpoints that PyTorch would not. */
export const p = {
  start: Buffer.of(0x80, 2),
  stop: Buffer.from('.'),
  mark: Buffer.from('('),
  dict: Buffer.from('}'),
  emptyTuple: Buffer.from(')'),
  tuple: Buffer.from('t'),
  setItem: Buffer.from('s'),
  reduce: Buffer.from('R'),
  persistent: Buffer.from('Q'),
  none: Buffer.from('N'),
  put: (index: number) => Buffer.of(0x71, index),
  get: (index: number) => Buffer.of(0x68, index),
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  /** A whole number of up to 63 bits. */
  int(value: number): Buffer {
    const bytes = Buffer.alloc(10);
    bytes[0] = 0x8a;
    bytes[1] = 8;
    bytes.writeBigInt64LE(BigInt(value), 2);
    return bytes;
  },
  text(value: string): Buffer {
    const content = Buffer.from(value);
    const head = Buffer.alloc(5);
    head[0] = 0x58;
    head.writeUInt32LE(content.length, 1);
    return Buffer.concat([head, content]);
  },
  ints: (values: readonly number[]) => Buffer.concat([p.mark, ...values.map(p.int), p.tuple]),
  /** torch._utils._rebuild_tensor_v2 of float32 storage `key`. */
  tensor(view: { key: string; length: number; offset?: number; dims: number[]; strides: number[] }): Buffer {
    const { key, length, offset = 0, dims, strides } = view;
    const id = [p.mark, p.text('storage'), p.global('torch', 'FloatStorage'), p.text(key), p.text('cpu')];
    return Buffer.concat([
      p.global('torch._utils', '_rebuild_tensor_v2'),
      p.mark,
      ...id,
      p.int(length),
      p.tuple,
      p.persistent,
      p.int(offset),
      p.ints(dims),
      p.ints(strides),
      p.tuple,
      p.reduce,
    ]);
  },
  /** A pickled dict of already pickled values. */
  pickle: (items: Record<string, Buffer>) =>
    Buffer.concat([
      p.start,
      p.dict,
      ...Object.entries(items).flatMap(([name, value]) => [p.text(name), value, p.setItem]),
      p.stop,
    ]),
};
