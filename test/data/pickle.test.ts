import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { NumpyArray, numpyRules } from '../../core/data/cifar/read-python.ts';
import { UserError } from '../../core/errors.ts';
import type { PickleFunction, PickleRules } from '../../core/pickle/rules.ts';
import { unpickle } from '../../core/pickle/unpickle.ts';
import { Random } from '../../core/random.ts';
import { ArrayOf, opcodes, pickleOf } from './pickle-bytes.ts';
import { checkPlain } from './user-error.ts';

const read = (bytes: Uint8Array, rules: PickleRules = numpyRules(bytes.length)): unknown =>
  unpickle(bytes, rules, 'file.pkl');
const refuses = (bytes: Uint8Array, message: RegExp): void => {
  assert.throws(
    () => read(bytes),
    (error) => checkPlain(error, message),
  );
};
const fixture = (name: string): Promise<Buffer> =>
  readFile(new URL(`../fixtures/data/${name}`, import.meta.url));

test('reads plain values of protocol 2 and later', () => {
  const values: [Buffer, unknown][] = [
    [opcodes('N.'), null],
    [opcodes('\x88.'), true],
    [opcodes('\x89.'), false],
    [opcodes('I01\n.'), true],
    [opcodes('K\xff.'), 255],
    [opcodes('M\x01\x02.'), 513],
    [opcodes('J\xfe\xff\xff\xff.'), -2],
    [opcodes('I-70000000000\n.'), -70_000_000_000],
    [opcodes('L12L\n.'), 12],
    [opcodes('\x8a\x02\xff\xff.'), -1],
    [opcodes('\x8a\0.'), 0],
    [opcodes('\x8a\x09\0\0\0\0\0\0\0\0\x01.'), 2n ** 64n],
    [opcodes('G\xbf\xe0\0\0\0\0\0\0.'), -0.5],
    [opcodes('X\x03\0\0\0h\xc3\xa4.'), 'hä'],
    [opcodes('\x8c\x02ok.'), 'ok'],
    [opcodes('C\x02ok.'), Buffer.from('ok')],
    [opcodes('U\x02\xff\0.'), Buffer.from([255, 0])],
    [opcodes('\x8b\x02\0\0\0\xff\xff.'), -1],
    [opcodes('\x8f(K\x01K\x01K\x02\x90.'), new Set([1, 2])],
    [opcodes('(K\x03\x91.'), new Set([3])],
    [opcodes('(K\x01K\x02l.'), [1, 2]],
    [opcodes(']K\x01a(K\x02K\x03e.'), [1, 2, 3]],
    [opcodes(')K\x01\x85\x86.'), [[], [1]]],
    [opcodes('K\x01K\x02K\x03\x87.'), [1, 2, 3]],
    [
      opcodes('}K\x01K\x02s(U\x01aK\x03u.'),
      new Map<unknown, unknown>([
        [1, 2],
        ['a', 3],
      ]),
    ],
    [opcodes('(U\x01aNd.'), new Map([['a', null]])],
    [opcodes('\x80\x04\x95\x04\0\0\0\0\0\0\0\x8c\x01x\x94h\0\x86.'), ['x', 'x']],
    [opcodes('K\x01r\0\x01\0\0j\0\x01\0\0\x86.'), [1, 1]],
    [opcodes('K\x07(K\x01K\x0212\x86.'), [7, 7]],
    [opcodes('K\x07K\x080.'), 7],
    [opcodes('K\x07(0.'), 7],
  ];
  for (const [bytes, expected] of values) assert.deepEqual(read(bytes), expected, bytes.toString('latin1'));
});

test('reads numpy arrays of either Python and numpy', async () => {
  const bytes = await fixture('cifar-10-batches-py/test_batch');
  assert.ok(bytes.includes('numpy.core.multiarray'));
  const dict = read(bytes) as Map<string, unknown>;
  assert.deepEqual(dict.get('labels'), [9, 0]);
  const array = dict.get('data');
  assert.ok(array instanceof NumpyArray);
  assert.deepEqual([array.shape, array.dtype, array.fortranOrder], [[2, 3072], 'u1', false]);
  assert.deepEqual([array.data[0], array.data[3072 + 5]], [(31 * 5) % 256, (31 * 6 + 7 * 5) % 256]);

  const encoded = await fixture('cifar-100-python/test');
  assert.ok(encoded.includes('_codecs\nencode') && encoded.includes('numpy._core.multiarray'));
  const other = (read(encoded) as Map<string, unknown>).get('data');
  assert.ok(other instanceof NumpyArray);
  assert.deepEqual([other.shape, other.data[3071]], [[2, 3072], (31 * 3 + 7 * 3071) % 256]);
});

test('refuses every other global by name, whatever opcode asks for it', () => {
  refuses(
    opcodes('cos\nsystem\n(U\x04exittR.'),
    /^file\.pkl refers to "os\.system", which is not allowed: only numpy/,
  );
  refuses(opcodes('\x80\x04\x8c\x02os\x8c\x06system\x93.'), /refers to "os\.system"/);
  refuses(opcodes('cbuiltins\neval\n.'), /refers to "builtins\.eval"/);
  refuses(opcodes('cnumpy\n__class__\n.'), /refers to "numpy\.__class__"/);
  refuses(opcodes('cnumpy.core.multiarray\nscalar\n.'), /refers to "numpy\.core\.multiarray\.scalar"/);
  refuses(opcodes('c__proto__\nconstructor\n.'), /refers to "__proto__\.constructor"/);
  // Opcodes that instantiate without a REDUCE, extension codes, and nested names of any depth.
  refuses(opcodes('(ios\nsystem\n.'), /byte 0x69 at offset 1, which is no pickle opcode that is read/);
  refuses(opcodes('\x82\x01.'), /byte 0x82/);
  refuses(opcodes(']]ao\x93.'), /byte 0x6f/);
  refuses(opcodes(']K\x01\x93.'), /a name in it is no text/);
});

test('refuses what would run on, or grow', () => {
  refuses(opcodes(`c${'a'.repeat(5000)}\n`), /endless length/);
  const text = 'x'.repeat(1000);
  const again = '0h\0h\x01R'.repeat(50);
  refuses(
    opcodes(
      'c_codecs\nencode\nq\0',
      ...['X', Buffer.from([0xe8, 3, 0, 0]), text, 'X\x06\0\0\0latin1\x86q\x01', again, '.'],
    ),
    /encodes more bytes than it has/,
  );
  refuses(Buffer.alloc(1_300_000, ']'), /^file\.pkl takes over 1000000 pickle opcodes$/);
  refuses(opcodes('\x8b\0\x01\0\0', 'x'.repeat(256), '.'), /a number of 256 bytes/);
  refuses(pickleOf(new ArrayOf([2 ** 30, 2 ** 30], Buffer.alloc(4))), /array of 4 bytes where its shape/);
});

test('refuses malformed pickles', () => {
  refuses(opcodes('\x80\x06N.'), /unknown pickle protocol 6/);
  refuses(opcodes('.'), /empty stack/);
  refuses(opcodes('K\x01\x86.'), /empty stack/);
  refuses(opcodes('t.'), /a mark that it never set/);
  refuses(opcodes('h\x05.'), /recalls value 5, which it never stored/);
  refuses(opcodes('NK\x01a.'), /not a list/);
  refuses(opcodes('NK\x01K\x02s.'), /not a dict/);
  refuses(opcodes('](K\x01\x90.'), /not a set/);
  refuses(opcodes('}(K\x01u.'), /a key has no value/);
  refuses(opcodes('}]Ns.'), /dict key/);
  refuses(opcodes('NNb.'), /sets the state of a plain value/);
  refuses(opcodes('N)R.'), /calls something that is not a function/);
  refuses(opcodes('cnumpy\ndtype\nNR.'), /calls something that is not a function/);
  refuses(opcodes('NQ.'), /persistent id/);
  refuses(opcodes('Iten\n.'), /"ten" where an integer should be/);
  refuses(opcodes('cnumpy\nndarray\n)R.'), /calls numpy\.ndarray/);
  refuses(opcodes('cnumpy.core.multiarray\n_reconstruct\nN\x85R.'), /type other than ndarray/);
  refuses(opcodes('c_codecs\nencode\nU\x01aU\x04utf8\x86R.'), /Latin-1/);
  refuses(pickleOf(new ArrayOf([1], Buffer.alloc(8), 'O8')), /numpy array of "O8"/);
  refuses(pickleOf(new ArrayOf([3], Buffer.alloc(2))), /array of 2 bytes where its shape 3 takes 3/);
});

test('persistent ids and globals are those of the table', () => {
  const rules: PickleRules = {
    byteStrings: 'bytes',
    lenient: false,
    globals: new Map<string, PickleFunction>([
      ['torch._utils._rebuild', ([storage, size]) => ({ storage, size })],
    ]),
    persistentLoad: (id) => ({ id }),
  };
  const bytes = opcodes('ctorch._utils\n_rebuild\n(U\x01aQK\x02tR.');
  assert.deepEqual(read(bytes, rules), { storage: { id: Buffer.from('a') }, size: 2 });
  assert.throws(
    () => read(opcodes('cnumpy\ndtype\n.'), rules),
    (error) => checkPlain(error, /only torch\._utils\._rebuild are/),
  );
});

test('lenient rules take keys that nobody looks up and pass over state; byte strings may be text', () => {
  const rules: PickleRules = { byteStrings: 'text', lenient: true, globals: new Map() };
  assert.deepEqual(read(opcodes('}]Ns.'), rules), new Map([[[], null]]));
  assert.deepEqual(read(opcodes(']Nb.'), rules), []);
  assert.equal(read(opcodes('U\x02\xe4b.'), rules), '\u00e4b');
});

test('a pickle cut off anywhere is truncated', async () => {
  for (const name of ['cifar-10-batches-py/batches.meta', 'cifar-10-batches-py/data_batch_1']) {
    const bytes = await fixture(name);
    for (let length = 0; length < bytes.length; length++) {
      refuses(bytes.subarray(0, length), /^file\.pkl is truncated$/);
    }
  }
});

test('damaged bytes are read or refused, never an internal error', async () => {
  const bytes = await fixture('cifar-10-batches-py/data_batch_1');
  const random = new Random(1, 2);
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    // The head and the tail are opcodes; the pixels between them may be anything.
    const damaged = Buffer.concat([bytes.subarray(0, 230), bytes.subarray(3290)]);
    for (let flips = 1 + random.integer(3); flips > 0; flips--) {
      damaged[random.integer(damaged.length)] = random.integer(256);
    }
    try {
      read(damaged);
    } catch (error) {
      assert.ok(
        error instanceof UserError,
        `round ${round}: ${error instanceof Error ? error.stack : error}`,
      );
      refused += 1;
    }
  }
  assert.ok(refused > 1000);
});
