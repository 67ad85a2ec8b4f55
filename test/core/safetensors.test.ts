import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { decodeSafetensors, encodeSafetensors, type TensorFile } from '../../core/weights/safetensors.ts';

const FIXTURE = new URL('../fixtures/safetensors/python.safetensors', import.meta.url);

function file(): TensorFile {
  return {
    tensors: new Map([
      ['a', { dims: [2, 3], data: Float32Array.of(1, -2, 0.5, 1e-45, Number.POSITIVE_INFINITY, -0) }],
      ['scalar', { dims: [], data: Float32Array.of(7) }],
      ['empty', { dims: [0, 5], data: new Float32Array(0) }],
      ['größe "quoted"', { dims: [1], data: Float32Array.of(3) }],
      ['__proto__', { dims: [1], data: Float32Array.of(4) }],
    ]),
    metadata: { format: 'pt', note: 'ü' },
  };
}

/** A file with the given header, right or wrong, and so many bytes of data. */
function handMade(header: unknown, dataBytes: number, headerLength?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerLength ?? BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

function refuses(bytes: Uint8Array, message: RegExp): void {
  assert.throws(
    () => decodeSafetensors(bytes, 'w.safetensors'),
    (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /^w\.safetensors[^\n]*$/);
      return true;
    },
  );
}

describe('safetensors', () => {
  it('come back as they were written, bit for bit', () => {
    assert.deepEqual(decodeSafetensors(encodeSafetensors(file()), 'x'), file());
  });

  it('are the same bytes every time, with the data aligned to 8', () => {
    const bytes = encodeSafetensors(file());
    assert.deepEqual(bytes, encodeSafetensors(file()));
    assert.equal(new DataView(bytes.buffer).getUint32(0, true) % 8, 0);
  });

  it('are read from a Buffer and from a view at an odd offset', () => {
    const bytes = encodeSafetensors(file());
    const odd = new Uint8Array(bytes.length + 9);
    odd.set(bytes, 3);
    assert.deepEqual(decodeSafetensors(odd.subarray(3, 3 + bytes.length), 'x'), file());
    assert.deepEqual(decodeSafetensors(Buffer.from(bytes), 'x'), file());
  });

  it('are copies: later changes of the bytes do not show', () => {
    const bytes = encodeSafetensors(file());
    const { tensors } = decodeSafetensors(bytes, 'x');
    bytes.fill(0);
    assert.deepEqual(tensors, file().tensors);
  });

  it('are written from a view into a larger array', () => {
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const bytes = encodeSafetensors({ tensors: new Map([['a', { dims: [2], data }]]), metadata: {} });
    assert.deepEqual([...decodeSafetensors(bytes, 'x').tensors.get('a')!.data], [1, 2]);
  });

  it('are not written with a shape that does not fit', () => {
    const tensors = new Map([['a', { dims: [3], data: new Float32Array(2) }]]);
    assert.throws(() => encodeSafetensors({ tensors, metadata: {} }), /tensor a has 2 values/);
  });

  it("of Python's reference implementation are read", async () => {
    const { tensors, metadata } = decodeSafetensors(await readFile(FIXTURE), 'fixture');
    assert.deepEqual(metadata, { format: 'pt', note: 'größe' });
    assert.deepEqual([...tensors.keys()].sort(), ['conv1.weight', 'empty', 'fc.bias', 'größe', 'scalar']);
    const conv = tensors.get('conv1.weight')!;
    assert.deepEqual(conv.dims, [2, 3, 2, 2]);
    assert.deepEqual(
      conv.data,
      Float32Array.from({ length: 24 }, (_, i) => i / 8 - 1),
    );
    const special = [Math.PI, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45];
    assert.deepEqual(tensors.get('fc.bias')!.data, Float32Array.from(special));
    assert.deepEqual(tensors.get('scalar'), { dims: [], data: Float32Array.of(2.5) });
    assert.deepEqual(tensors.get('empty'), { dims: [0, 4], data: new Float32Array(0) });
    assert.deepEqual(tensors.get('größe'), { dims: [1], data: Float32Array.of(7) });
  });
});

describe('safetensors are refused', () => {
  it('at every length they can be cut to', () => {
    const bytes = encodeSafetensors(file());
    for (let length = 0; length < bytes.length; length++) refuses(bytes.subarray(0, length), /truncated/);
  });

  it('if they are something else', () => {
    refuses(Buffer.from('this is plain text and no tensor at all'), /is not a safetensors file/);
    refuses(handMade('{"a": ', 0), /its header is not JSON/);
    refuses(handMade('', 0), /its header is not JSON/);
    for (const header of [null, 7, [1], 'text']) refuses(handMade(JSON.stringify(header), 0), /no object/);
    refuses(Buffer.concat([handMade('{"\u0000', 0).subarray(0, 8), Buffer.of(0x7b, 0xff, 0xfe)]), /not JSON/);
  });

  const one = (entry: unknown, dataBytes = 8) => handMade({ a: entry }, dataBytes);
  const good = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };

  it('with another element type', () => {
    assert.equal(decodeSafetensors(one(good), 'x').tensors.size, 1);
    for (const dtype of ['F16', 'I64', 'BF16', 'f32']) {
      refuses(one({ ...good, dtype }), new RegExp(`tensor "a" is ${dtype}, not F32`));
    }
  });

  it('with a header length beyond the file', () => {
    for (const length of [9n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n])
      refuses(handMade('{}', 0, length), /truncated/);
  });

  it('with malformed entries', () => {
    const { dtype: _, ...untyped } = good;
    const malformed = [
      null,
      7,
      [],
      {},
      untyped,
      { ...good, shape: 2 },
      { ...good, shape: [-2] },
      { ...good, shape: [-1, -2] },
      { ...good, shape: [0.5, 4] },
      { ...good, shape: ['2'] },
      { ...good, shape: [1e300] },
      { ...good, data_offsets: [0] },
      { ...good, data_offsets: [0, 8, 16] },
      { ...good, data_offsets: [-8, 0] },
      { ...good, data_offsets: ['0', '8'] },
      { ...good, data_offsets: null },
    ];
    for (const entry of malformed)
      refuses(one(entry), /tensor "a" has no proper dtype, shape and data_offsets/);
  });

  it('with offsets that do not fit', () => {
    refuses(one({ ...good, data_offsets: [0, 4] }), /do not fit its shape/);
    refuses(one({ ...good, data_offsets: [8, 0] }), /do not fit its shape/);
    refuses(one({ ...good, shape: [2 ** 26, 2 ** 26, 2 ** 26] }), /do not fit its shape/);
    refuses(one({ ...good, data_offsets: [8, 16] }), /starts at 8 instead of 0/);
    refuses(one(good, 7), /truncated: tensor "a" is cut off/);
    refuses(one(good, 12), /has 4 bytes after its last tensor/);
    refuses(handMade({ a: good, b: good }, 8), /tensor "b" starts at 0 instead of 8/);
    refuses(handMade({ a: good, b: { ...good, data_offsets: [12, 20] } }, 20), /starts at 12 instead of 8/);
  });

  it('with metadata that is not strings', () => {
    for (const metadata of [7, ['x'], { a: 1 }, { a: null }]) {
      refuses(handMade({ __metadata__: metadata }, 0), /metadata must be strings/);
    }
  });
});
