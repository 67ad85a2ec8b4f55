import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitModel } from '../../core/weights/fit-model.ts';
import { decodeWeights, describeWeights } from '../../core/weights/load-weights.ts';
import { netPrefix } from '../../core/weights/names.ts';
import { decodePyTorch, readPyTorch } from '../../core/weights/pytorch/state-dict.ts';
import { decodeSafetensors, encodeSafetensors } from '../../core/weights/safetensors.ts';
import { buildZip } from './build-zip.ts';
import { p } from './pickle-builder.ts';
import { assertRefuses, assertSameTensors, fixturePath, readFixture } from './support.ts';

/** Names that a net of the zoo has, enough to tell one by. */
const NET = ['conv1.weight', 'layer1.0.conv1.weight', 'fc.weight'];

/** A pickled dict. */
const dict = (items: Record<string, Buffer>): Buffer =>
  Buffer.concat([
    p.dict,
    ...Object.entries(items).flatMap(([name, value]) => [p.text(name), value, p.setItem]),
  ]);
/** A tensor of one value, by the storage it is in. */
const tensor = (key: string): Buffer => p.tensor({ key, length: 1, dims: [1], strides: [1] });
const net = (key: string, prefix = ''): Record<string, Buffer> =>
  Object.fromEntries(NET.map((name) => [prefix + name, tensor(key)]));
/** A checkpoint of torch.save in which the storage "k" holds the number k. */
const file = (root: Buffer): Buffer =>
  buildZip([
    ['x/data.pkl', Buffer.concat([p.start, root, p.stop])],
    ...[1, 2, 3].map((k) => [`x/data/${k}`, new Uint8Array(Float32Array.of(k).buffer)] as const),
  ]);
/** The one value that all tensors of the net have, and what is told of them. */
function taken(root: Buffer, key?: string): [value: number | undefined, ...notes: string[]] {
  const loaded = decodeWeights(file(root), 'x', { key });
  const values = new Set(NET.map((name) => loaded.tensors.get(name)?.data[0]));
  assert.equal(values.size, 1);
  return [[...values][0], ...describeWeights(loaded)];
}

describe('weights are found', () => {
  for (const name of ['beside.pth', 'beside-legacy.pth', 'beside-protocol4.pth']) {
    it(`among all that scripts leave in a checkpoint, none of it executed (${name})`, async () => {
      const tensors = decodePyTorch(await readFixture(name), name);
      assert.deepEqual(
        [...tensors].map(([key, { data }]) => [key, data[0]]),
        [
          ['conv1.weight', 1],
          ['layer1.0.conv1.weight', 2],
          ['fc.weight', 3],
        ],
      );
    });
  }

  it('and tensors of other kinds are none', async () => {
    const bytes = await readFixture('beside.pth');
    assertRefuses(() => decodePyTorch(bytes, 'x', 'tensors'), /^x holds no floating-point tensors$/);
    const { left } = readPyTorch(bytes, 'x', 'net');
    assert.deepEqual(left, new Map());
  });

  const found: [string, Buffer][] = [
    ['net', dict({ net: dict(net('1')) })],
    ['student', dict({ student: dict(net('1')) })],
    ['large_model', dict({ large_model: dict({ a: tensor('2'), ...net('1') }), example_net: p.none })],
    ['an object that computes the loss', dict({ loss_fn: dict(net('1', 'encoder.')), rng: tensor('2') })],
    ['params', dict({ params: dict(net('1')) })],
    ['module, as DeepSpeed', dict({ module: dict(net('1', 'module.')), optimizer: p.none })],
    ['any key', dict({ 'my net': dict(net('1')) })],
    ['dicts in dicts', dict({ trainer: dict({ state: dict({ model: dict(net('1', 'backbone.')) }) }) })],
    ['a list', Buffer.concat([p.mark, dict(net('1')), dict({ epoch: p.int(1) }), p.tuple])],
    [
      'a dict of a class of its own',
      Buffer.concat([
        p.global('easydict', 'EasyDict'),
        p.emptyTuple,
        p.reduce,
        p.text('net'),
        dict(net('1')),
        p.setItem,
      ]),
    ],
    [
      'a defaultdict',
      Buffer.concat([
        p.global('collections', 'defaultdict'),
        p.emptyTuple,
        p.reduce,
        p.text('net'),
        dict(net('1')),
        p.setItem,
      ]),
    ],
    [
      'beside the larger state of an optimiser',
      dict({
        optimizer: dict({ a: tensor('2'), b: tensor('2'), c: tensor('2'), d: tensor('2') }),
        net: dict(net('1')),
      }),
    ],
  ];
  for (const [what, root] of found) it(`in ${what}`, () => assert.deepEqual(taken(root), [1]));

  it('of several, those that were trained rather than an average; --key takes another', () => {
    const timm = dict({ state_dict_ema: dict(net('2')), state_dict: dict(net('1')) });
    const note = 'note      the state dict "state_dict" was taken; --key takes another: state_dict_ema';
    assert.deepEqual(taken(timm), [1, note]);
    assert.deepEqual(taken(timm, 'state_dict_ema'), [2]);
    assert.deepEqual(taken(dict({ model_ema: dict(net('2', 'module.')) })), [2]);
    const within = dict({ state_dict: dict({ ...net('2', 'ema_model.'), ...net('1', 'model.') }) });
    const [value, told] = taken(within);
    assert.equal(value, 1);
    assert.match(
      told!,
      /^note {6}of several nets in it, "model\." was taken, not "ema_model\."; .*--key ema_model$/,
    );
    assert.deepEqual(taken(within, 'ema_model'), [2]);
    assert.deepEqual(taken(within, 'state_dict.ema_model'), [2]);
    const deep = dict({ a: dict({ net: dict(net('1')) }), b: dict({ net: dict(net('3')) }) });
    assert.deepEqual(taken(deep, 'b.net'), [3]);
  });

  it('but not where a small file copies one dict over and over', () => {
    const pairs = Array.from({ length: 2000 }, (_, i) => Buffer.concat([p.int(i), p.none, Buffer.of(0x86)]));
    const list = Buffer.concat([Buffer.from(']'), p.put(0), p.mark, ...pairs, Buffer.from('e0')]);
    const again = Buffer.concat([
      p.global('collections', 'OrderedDict'),
      p.get(0),
      Buffer.of(0x85),
      p.reduce,
      Buffer.from('0'),
    ]);
    const root = Buffer.concat([list, ...Array.from({ length: 600 }, () => again), dict(net('1'))]);
    assertRefuses(() => decodePyTorch(file(root), 'x'), /^x is damaged: it copies its dicts without end$/);
  });

  it('not in a whole module, which is refused with what to do', () => {
    // A module's state is set by BUILD.
    const module = Buffer.concat([
      ...[p.global('my.nets', 'Net'), p.emptyTuple, Buffer.of(0x81)],
      ...[dict({ _parameters: dict({}), _modules: dict({}) }), Buffer.from('b')],
    ]);
    const message = /^x holds the Python object my\.nets\.Net, .*torch\.save\(model\.state_dict\(\), FILE\)$/;
    const optimizer = dict({ momentum: tensor('2') });
    for (const root of [module, dict({ model: module }), dict({ model: module, a: optimizer })]) {
      assertRefuses(() => decodePyTorch(file(root), 'x'), message);
    }
    assert.deepEqual(taken(dict({ model: module, state_dict: dict(net('1')) })), [1]);
  });
});

describe('the prefix of names', () => {
  const cases: [string[], string | undefined][] = [
    [NET, ''],
    ...['module.', 'model.', 'resnet.', 'encoder.', 'backbone.', '_forward_module.module.', 'a.b.c.'].map(
      (prefix): [string[], string] => [
        NET.map((name) => prefix + name),
        prefix.replace('_forward_module.', ''),
      ],
    ),
    [['n_averaged', 'criterion.weight', ...NET.map((name) => `module.${name}`)], 'module.'],
    [['_orig_mod.conv1.weight', 'layer1._orig_mod.0.conv1.weight', 'fc._orig_mod.weight'], ''],
    [['conv1.weight', 'layer1.0._fsdp_wrapped_module.conv1.weight'], ''],
    [['conv1.weight', 'layer1.0._checkpoint_wrapped_module.conv1.weight'], ''],
    // github.com/kuangliu/pytorch-cifar and weiaicunzai/pytorch-cifar100.
    [['module.conv1.weight', 'module.linear.weight'], 'module.'],
    [['net.conv1.0.weight', 'net.conv2_x.0.residual_function.0.weight'], 'net.'],
    [['patch_embed.weight', 'head.weight'], undefined],
    [['features.conv1.weight', 'classifier.weight'], undefined],
  ];
  for (const [names, prefix] of cases) {
    it(`${prefix === undefined ? 'is none' : JSON.stringify(prefix)} of ${names.join(', ')}`, () => {
      assert.equal(netPrefix(names)?.prefix, prefix);
    });
  }
});

describe('what lies beside the tensors of a net', async () => {
  const { tensors } = decodeWeights(await readFixture('resnet20.pth'), 'resnet20.pth');
  const one = { dims: [2], data: new Float32Array(2) };
  const with_ = (...names: string[]) => new Map([...tensors, ...names.map((name) => [name, one] as const)]);

  it('is told of and left out', () => {
    const fitted = fitModel(with_('criterion.weight', 'aux_head.bias', '(beside) fc.weight'), 'x');
    assert.equal(fitted.model, 'resnet20');
    assert.deepEqual(fitted.beside, ['criterion.weight', 'aux_head.bias', '(beside) fc.weight']);
    assert.ok(!fitted.graph.initializers.has('criterion.weight'));
  });

  it('is refused where it may be a part of the net', () => {
    for (const name of ['layer4.0.conv1.bias', 'bn2.weight', 'layer1.0.attention.weight', 'conv1.bias']) {
      assertRefuses(
        () => fitModel(with_(name), 'x'),
        new RegExp(`it has "${name}", which the model has not`),
      );
    }
    const convolution = { dims: [16, 16, 3, 3], data: new Float32Array(16 * 16 * 9) };
    assertRefuses(
      () => fitModel(new Map([...tensors, ['layer1.0.conv3.weight', convolution]]), 'x'),
      /is of no net that is known here .*: it is most like resnet20, but it has "layer1\.0\.conv3\.weight", which the model has not; /,
    );
  });

  it('has not the name of a tensor of the net', () => {
    const named = (prefix: string) => new Map([...tensors].map(([name, value]) => [prefix + name, value]));
    const all = new Map([...named('model.'), ['fc.weight', one], ['loss.w', one]]);
    const loaded = decodeWeights(encodeSafetensors({ tensors: all, metadata: {} }), 'x');
    const fitted = fitModel(loaded.tensors, 'x');
    assert.deepEqual(fitted.beside, ['(beside) fc.weight', 'loss.w']);
    assert.deepEqual(fitted.graph.initializers.get('fc.weight')!.dims, [100, 64]);
  });

  it('may be of any type in safetensors', () => {
    const plain = encodeSafetensors({ tensors: new Map([['fc.bias', one]]), metadata: {} });
    const length = Number(new DataView(plain.buffer).getBigUint64(0, true));
    const entry = { shape: [1], data_offsets: [8, 16] };
    const header = {
      ...(JSON.parse(Buffer.from(plain.subarray(8, 8 + length)).toString()) as object),
      ...{ z: { ...entry, dtype: 'C64' }, count: { ...entry, dtype: 'I64', data_offsets: [16, 24] } },
      // Half a byte an element, and a type of times to come.
      ...{
        f4: { dtype: 'F4', shape: [4], data_offsets: [24, 26] },
        g: { dtype: 'G9', shape: [9], data_offsets: [26, 29] },
      },
      ...{ 'bn1.num_batches_tracked': { dtype: 'I64', shape: [], data_offsets: [29, 37] } },
      f8: { dtype: 'F8_E4M3', shape: [2], data_offsets: [37, 39] },
      // A program of others knows of no checksum.
      __metadata__: {},
    };
    const json = Buffer.from(JSON.stringify(header));
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(json.length));
    const data = Buffer.alloc(39);
    data.set([0x38, 0x7e], 37);
    const loaded = decodeWeights(Buffer.concat([head, json, data]), 'x');
    assert.deepEqual([...loaded.tensors.keys()], ['fc.bias', 'f8']);
    assert.deepEqual([...loaded.tensors.get('f8')!.data], [1, 448]);
    assert.deepEqual(
      [...loaded.left],
      [
        ['z', 'of type C64'],
        ['count', 'of type I64'],
        ['f4', 'of type F4'],
        ['g', 'of type G9'],
      ],
    );
    assert.deepEqual(describeWeights(loaded), [
      'not read  "z" (of type C64), "count" (of type I64), "f4" (of type F4), "g" (of type G9)',
    ]);
  });

  it('is refused where the net lacks it', () => {
    const less = new Map(tensors);
    less.delete('bn1.bias');
    assertRefuses(
      () => fitModel(less, 'x', { left: new Map([['bn1.bias', 'a sparse tensor']]) }),
      /lacks "bn1\.bias"; "bn1\.bias" is a sparse tensor, which is not read$/,
    );
  });
});

describe('other files', () => {
  it('are refused with what to do', () => {
    const tar = Buffer.alloc(1024);
    tar.write('ustar', 257);
    const cases: [Uint8Array, RegExp][] = [
      [tar, /^x is a tar archive, as PyTorch before 0\.1\.10 wrote; load and save it again/],
      [Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]), /^x is compressed with gzip; unpack it first$/],
      [Buffer.concat([p.start, p.dict, p.stop]), /^x is a pickle that torch\.save did not write/],
      [buildZip([['a.npy', Buffer.from('x')]]), /not one of torch\.save; in PyTorch, torch\.save\(model/],
    ];
    for (const [bytes, message] of cases) assertRefuses(() => decodeWeights(bytes, 'x'), message);
  });
});

it('every number of eight bits is what PyTorch makes of it', async () => {
  const expected = decodeSafetensors(await readFixture('float8-f32.safetensors'), 'expected').tensors;
  assert.equal(expected.size, 4);
  assertSameTensors(decodePyTorch(await readFixture('float8.pth'), fixturePath('float8.pth')), expected);
});
