import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { decodePyTorch } from '../../core/weights/pytorch/state-dict.ts';
import { decodeSafetensors } from '../../core/weights/safetensors.ts';
import { buildZip } from './build-zip.ts';
import { p } from './pickle-builder.ts';
import { assertRefuses, assertSameTensors, readFixture } from './support.ts';

/** A .pth of the given pickle and float32 storages. */
function checkpoint(pickle: Uint8Array, storages: Record<string, number[]> = {}): Buffer {
  return buildZip([
    ['x/data.pkl', pickle],
    ...Object.entries(storages).map(
      ([key, values]) => [`x/data/${key}`, new Uint8Array(Float32Array.from(values).buffer)] as const,
    ),
  ]);
}

describe('PyTorch checkpoints', async () => {
  const expected = decodeSafetensors(await readFixture('formats-f32.safetensors'), 'expected').tensors;

  for (const name of ['formats.pth', 'formats-legacy.pth', 'formats-protocol4.pth']) {
    it(`of every type and layout are read as PyTorch converts them (${name})`, async () => {
      assertSameTensors(decodePyTorch(await readFixture(name), name), expected);
    });
  }

  it('are read from a view at an odd offset', async () => {
    const bytes = await readFixture('formats.pth');
    const odd = new Uint8Array(bytes.length + 5);
    odd.set(bytes, 3);
    assertSameTensors(decodePyTorch(odd.subarray(3, 3 + bytes.length), 'odd'), expected);
  });

  it('of a training script give its state dict, not the tensors beside it', async () => {
    const bytes = await readFixture('checkpoint.pth');
    const tensors = decodePyTorch(bytes, 'checkpoint.pth');
    assert.deepEqual(
      [...tensors].map(([name, { dims }]) => [name, dims]),
      [
        ['module.0.weight', [2, 1, 3, 3]],
        ['module.1.weight', [2]],
        ['module.1.bias', [2]],
        ['module.1.running_mean', [2]],
        ['module.1.running_var', [2]],
        ['module.3.weight', [3, 2]],
        ['module.3.bias', [3]],
      ],
    );
    assert.deepEqual(decodePyTorch(bytes, 'checkpoint.pth', 'state_dict'), tensors);
    assertRefuses(
      () => decodePyTorch(bytes, 'c.pth', 'ema'),
      /^c\.pth has no state dict under "ema"; it holds "epoch", "best", .*"state_dict"$/,
    );
  });

  for (const keys of [['state_dict'], ['model'], ['net'], ['model', 'state_dict'], ['model_state_dict']]) {
    it(`are found under ${keys.join(' in ')}`, () => {
      const tensor = p.tensor({ key: '0', length: 2, dims: [2], strides: [1] });
      const inner = Buffer.concat([p.dict, p.text('w'), tensor, p.setItem]);
      const value = keys.reduceRight(
        (content, key) => Buffer.concat([p.dict, p.text(key), content, p.setItem]),
        inner,
      );
      const bytes = checkpoint(Buffer.concat([p.start, value, p.stop]), { 0: [1, 2] });
      const expectedTensor = { dims: [2], data: Float32Array.of(1, 2) };
      assert.deepEqual(decodePyTorch(bytes, 'x'), new Map([['w', expectedTensor]]));
    });
  }
});

describe('PyTorch checkpoints are refused', () => {
  it('if they would call anything, which is then not called', async () => {
    // os.system is posix.system or nt.system when pickled.
    const bytes = await readFixture('hostile.pth');
    assertRefuses(() => decodePyTorch(bytes, 'h.pth'), /^h\.pth holds the Python object (posix|nt)\.system,/);
    assert.equal(existsSync('hostile-pickle-ran'), false);
    for (const [module, name] of [
      ['builtins', 'eval'],
      ['torch', 'load'],
      ['torch._utils', '_rebuild_tensor_v2.__globals__'],
      ['__proto__', 'constructor'],
    ] as const) {
      const pickle = Buffer.concat([p.start, p.global(module, name), p.stop]);
      assertRefuses(() => decodePyTorch(checkpoint(pickle), 'x'), /^x holds the Python object/);
    }
  });

  it('if they hold a model object, a program or no dict', async () => {
    const module = await readFixture('module.pth');
    assertRefuses(
      () => decodePyTorch(module, 'm.pth'),
      /object torch\.nn\.modules\.linear\.Linear, and only tensors are read.*save torch\.save\(model\.state_dict/,
    );
    const script = await readFixture('script.pt');
    assertRefuses(() => decodePyTorch(script, 's.pt'), /^s\.pt is a TorchScript program/);
    const number = checkpoint(Buffer.concat([p.start, p.int(5), p.stop]));
    assertRefuses(() => decodePyTorch(number, 'n.pth'), /^n\.pth holds no state dict/);
    const numbers = checkpoint(p.pickle({ a: p.int(1) }));
    assertRefuses(() => decodePyTorch(numbers, 'n.pth'), /^n\.pth has no state dict; it holds "a"$/);
    const empty = checkpoint(p.pickle({}));
    assertRefuses(() => decodePyTorch(empty, 'n.pth'), /^n\.pth has no state dict; it is empty$/);
  });

  it('if the archive is compressed, not of PyTorch, or big-endian', () => {
    const pickle = p.pickle({});
    const compressed = buildZip([['x/data.pkl', pickle]], 8);
    assertRefuses(() => decodePyTorch(compressed, 'x'), /^x is a compressed archive/);
    assertRefuses(() => decodePyTorch(buildZip([['a.txt', pickle]]), 'x'), /not one of torch\.save/);
    const twice = buildZip([
      ['x/data.pkl', pickle],
      ['x/data.pkl', pickle],
    ]);
    assertRefuses(() => decodePyTorch(twice, 'x'), /has "x\/data\.pkl" twice/);
    const big = buildZip([
      ['x/data.pkl', pickle],
      ['x/byteorder', Buffer.from('big')],
    ]);
    assertRefuses(() => decodePyTorch(big, 'x'), /big-endian/);
  });

  const refusesTensor = (view: Parameters<typeof p.tensor>[0], message: RegExp) => {
    const bytes = checkpoint(p.pickle({ w: p.tensor(view) }), { 0: [1, 2, 3, 4] });
    assertRefuses(() => decodePyTorch(bytes, 'x'), message);
  };

  it('if a tensor does not fit its storage', () => {
    const good = { key: '0', length: 4, dims: [2, 2], strides: [2, 1] };
    const bytes = checkpoint(p.pickle({ w: p.tensor(good) }), { 0: [1, 2, 3, 4] });
    assert.deepEqual(decodePyTorch(bytes, 'x').get('w')!.data, Float32Array.of(1, 2, 3, 4));
    refusesTensor({ ...good, offset: 1 }, /tensor "w" reaches beyond its storage/);
    refusesTensor({ ...good, dims: [3, 2] }, /tensor "w" reaches beyond its storage/);
    refusesTensor({ ...good, strides: [3, 1] }, /tensor "w" reaches beyond its storage/);
    refusesTensor({ ...good, length: 5 }, /tensor "w" is cut off/);
    refusesTensor({ ...good, key: '1' }, /tensor "w" has no data/);
    refusesTensor({ ...good, strides: [1] }, /malformed tensor/);
    refusesTensor({ ...good, offset: -1 }, /malformed tensor/);
    refusesTensor({ ...good, dims: [-2, -2] }, /malformed tensor/);
    refusesTensor({ ...good, strides: [-2, 1] }, /malformed tensor/);
  });

  it('if a small file claims much memory', () => {
    // One element, repeated by strides of 0.
    const repeated = { key: '0', length: 4, strides: [0, 0] };
    refusesTensor({ ...repeated, dims: [2 ** 20, 2 ** 20] }, /larger than the file can explain/);
    refusesTensor({ ...repeated, dims: [2 ** 52, 2 ** 52] }, /larger than the file can explain/);
    const infinite = { ...repeated, dims: Array(40).fill(2 ** 52), strides: Array(40).fill(0) };
    refusesTensor(infinite, /larger than the file can explain/);
    // Each one would be allowed.
    const one = p.tensor({ ...repeated, dims: [1024, 4096] });
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`w${i}`, one]));
    const bytes = checkpoint(p.pickle(many), { 0: [1, 2, 3, 4] });
    assertRefuses(() => decodePyTorch(bytes, 'x'), /tensor "w4" is larger than the file can explain/);
    const dicts = Buffer.concat([p.start, Buffer.alloc(1_300_000, p.dict), p.stop]);
    assertRefuses(() => decodePyTorch(checkpoint(dicts), 'x'), /over 1000000 pickle opcodes/);
    const long = Buffer.concat([p.start, Buffer.of(0x8b, 0xff, 0xff, 0xff, 0x7f), p.stop]);
    assertRefuses(() => decodePyTorch(checkpoint(long), 'x'), /damaged/);
    const text = Buffer.concat([p.start, Buffer.of(0x58, 0xff, 0xff, 0xff, 0xff), p.stop]);
    assertRefuses(() => decodePyTorch(checkpoint(text), 'x'), /truncated/);
  });

  it('if they nest without end', () => {
    const self = Buffer.concat([p.start, p.dict, p.put(0), p.text('model'), p.get(0), p.setItem, p.stop]);
    assertRefuses(() => decodePyTorch(checkpoint(self), 'x'), /^x has no state dict; it holds "model"$/);
    const deep = Buffer.concat([p.start, Buffer.alloc(300_000, ')'), Buffer.alloc(299_999, 0x86), p.stop]);
    assertRefuses(() => decodePyTorch(checkpoint(deep), 'x'), /^x holds no state dict/);
  });

  it('if the pickle makes no sense', () => {
    const cases: [string, Buffer][] = [
      ['stops with nothing', Buffer.from('.')],
      ['pops from nothing', Buffer.from('0.')],
      ['pops below a mark', Buffer.from('N(0.')],
      ['ends a tuple without a mark', Buffer.from('t.')],
      ['calls a number', Buffer.from('K\x05)R.')],
      ['sets an item of a number', Buffer.from('K\x05K\x05K\x05s.')],
      ['sets a key without a value', Buffer.from('}(K\x05u.')],
      ['appends to a dict', Buffer.from('}K\x05a.')],
      ['recalls what was not memoised', Buffer.from('h\x07.')],
      ['names a global that is no text', Buffer.from('K\x05K\x05\x93.')],
      ['has an unknown opcode', Buffer.from('\xff.', 'latin1')],
      ['loads a number from outside', Buffer.from('K\x05Q.')],
      ['loads something else from outside', Buffer.from('(X\x01\x00\x00\x00atQ.')],
      ['makes an OrderedDict of numbers', Buffer.from('ccollections\nOrderedDict\n(]K\x05atR.')],
      ['makes a tensor of nothing', Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n)R.')],
      ['makes a parameter of nothing', Buffer.from('ctorch._utils\n_rebuild_parameter\n)R.')],
    ];
    for (const [what, pickle] of cases) {
      assertRefuses(() => decodePyTorch(checkpoint(pickle), 'x'), /^x (is damaged|holds no state dict)/);
      assert.ok(what);
    }
  });
});
