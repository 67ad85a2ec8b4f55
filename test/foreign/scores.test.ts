import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { type LoadedClassifier, loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { decideScores, scoresOfNumbers } from '../../core/foreign-model/score-kind.ts';
import { probabilitiesOf } from '../../core/metrics/scores.ts';
import { decodeMetadata } from '../../core/model-metadata.ts';
import type { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, int, ints } from '../../core/onnx/graph.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { onnx } from '../../core/onnx/newer-fields.ts';
import { dataTypeCode } from '../../core/onnx/tensor-proto.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { colorImages, modelFolder, RED, type RedNetOptions, redNet } from './red-net.ts';

const { add } = modelFolder();
const RED_PICTURE = [1, -1, -1] as const;

/** The probabilities of a red picture, which is the second of a batch. */
async function probabilities({ bytes, metadata }: LoadedClassifier): Promise<number[]> {
  const session = await openSession(bytes);
  const images = colorImages([-1, 1, 0.3], RED_PICTURE, [0, 0, 0]);
  const { logits } = await session.run({ input: new Tensor('float32', images, [3, 3, 8, 8]) });
  await session.release();
  const classes = metadata.labels.length;
  assert.deepEqual(logits!.dims, [3, classes]);
  assert.ok((logits!.data as Float32Array).every(Number.isFinite), 'a score is infinite');
  return [...probabilitiesOf((logits!.data as Float32Array).subarray(classes, 2 * classes), metadata.scores)];
}

function near(actual: readonly number[], expected: readonly number[], tolerance = 1e-4): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(actual[i]! - value) < tolerance, `${actual} is not ${expected}`);
  }
}

const softmax = (b: GraphBuilder, x: string) => b.node('Softmax', [x], { axis: int(-1) });
const sigmoid = (b: GraphBuilder, x: string) => b.node('Sigmoid', [x]);
const cast = (b: GraphBuilder, x: string, to: 'float16' | 'float32') =>
  b.node('Cast', [x], { to: int(dataTypeCode(to)) });
const P = [0.96466, 0.017668, 0.017668];
/** Its own rounding to steps of 1/255. */
const ROUNDED = [246 / 255, 5 / 255, 5 / 255];

function byteScale(b: GraphBuilder, suffix = ''): string[] {
  return [
    b.initializer(`s${suffix}`, floatTensor([], [1 / 255])),
    b.initializer(`z${suffix}`, { dtype: 'uint8', dims: [], data: Uint8Array.of(0) }),
  ];
}

const EXCLUSIVE: Record<string, [tail: (b: GraphBuilder, x: string) => string, RedNetOptions?, number[]?]> = {
  logits: [(_, x) => x],
  softmax: [softmax],
  'softmax and Identity': [(b, x) => b.node('Identity', [softmax(b, x)])],
  'softmax and Reshape': [(b, x) => b.node('Reshape', [softmax(b, x), b.int64([-1, 3])])],
  'softmax and Clip': [(b, x) => b.node('Clip', [softmax(b, x), b.float32(0), b.float32(1)])],
  'softmax in half': [
    (b, x) => cast(b, b.node('Softmax', [cast(b, x, 'float16')], { axis: int(1) }), 'float32'),
    {},
    [0.965, 0.0177, 0.0177],
  ],
  'softmax, quantised': [
    (b, x) => {
      const scale = byteScale(b);
      return b.node('DequantizeLinear', [b.node('QuantizeLinear', [softmax(b, x), ...scale]), ...scale]);
    },
    {},
    ROUNDED,
  ],
  QLinearSoftmax: [
    (b, x) => {
      const [s, z] = [
        b.initializer('sx', floatTensor([], [4 / 255])),
        b.initializer('zx', { dtype: 'uint8', dims: [], data: Uint8Array.of(128) }),
      ];
      const out = byteScale(b);
      const q = b.node('QuantizeLinear', [x, s, z]);
      const soft = b.node(
        'QLinearSoftmax',
        [q, s, z, ...out],
        { axis: int(1), opset: int(13) },
        { domain: 'com.microsoft' },
      );
      return b.node('DequantizeLinear', [soft, ...out]);
    },
    {},
    // Its own rounding, of what it reads and gives.
    [245 / 255, 5 / 255, 5 / 255],
  ],
  'softmax written out': [
    (b, x) => {
      const e = b.node('Exp', [x]);
      return b.node('Div', [e, b.node('ReduceSum', [e, b.int64([1])], { keepdims: int(1) })]);
    },
  ],
  'softmax written out, without overflow': [
    (b, x) => {
      const max = b.node('ReduceMax', [x], { axes: ints([1]), keepdims: int(1) });
      const e = b.node('Exp', [b.node('Sub', [x, max])]);
      const sum = b.node('ReduceSum', [e, b.int64([1])], { keepdims: int(1) });
      return b.node('Mul', [e, b.node('Reciprocal', [sum])]);
    },
  ],
  'softmax, times 1 and plus 0': [
    (b, x) => b.node('Add', [b.float32(0), b.node('Mul', [softmax(b, x), b.float32(1)])]),
  ],
  LogSoftmax: [(b, x) => b.node('LogSoftmax', [x], { axis: int(-1) })],
  'logarithm of a softmax': [(b, x) => b.node('Log', [softmax(b, x)])],
  'softmax of [N, C, 1, 1]': [
    (b, x) => b.node('Softmax', [b.node('Unsqueeze', [x, b.int64([2, 3])])], { axis: int(1) }),
    { output: { dims: ['N', 3, 1, 1] } },
  ],
  'no shape at all': [softmax, { output: { dims: ['N', 'C'] } }],
  'one image, without a batch': [
    (b, x) => b.node('Squeeze', [softmax(b, x), b.int64([0])]),
    { batch: 1, output: { dims: [3] } },
  ],
  'opset 11, one image at a time': [softmax, { opset: 11, batch: 1 }],
};

describe('scores that exclude each other', () => {
  for (const [name, [tail, options, expected = P]] of Object.entries(EXCLUSIVE)) {
    it(name, async () => {
      const classifier = await loadClassifier(add('exclusive', redNet(tail, options)));
      near(await probabilities(classifier), expected, expected === P ? 1e-4 : 2e-3);
      assert.notEqual(classifier.metadata.scores, 'independent');
      assert.deepEqual(
        classifier.notes.filter((note) => /scores/.test(note)),
        [],
      );
    });
  }

  it('of an average of softmaxes are told by the numbers, and said', async () => {
    const tail = (b: GraphBuilder, x: string) => b.node('Mean', [softmax(b, x), softmax(b, x)]);
    const classifier = await loadClassifier(add('mean', redNet(tail)));
    near(await probabilities(classifier), P);
    assert.match(
      classifier.notes.join(),
      /ends in Mean.* sums to 1: taken for probabilities; "scores" in its JSON file decides/,
    );
  });

  it('stay finite where a softmax gives exact zeros', async () => {
    const classifier = await loadClassifier(add('sure', redNet(softmax, { scale: 80 })));
    near(await probabilities(classifier), [1, 0, 0], 1e-30);
  });

  it('are as the JSON file says, or refused where the numbers cannot be', async () => {
    const as = (scores: string) => loadClassifier(add('said', redNet(softmax), { ...RED, scores }));
    near(await probabilities(await as('logits')), [0.56312, 0.21844, 0.21844]);
    near(await probabilities(await as('independent')), P);
    assert.equal((await as('independent')).metadata.scores, 'independent');
    await assert.rejects(
      as('log-probabilities'),
      /none of the log-probabilities that "scores".* says; mend "scores"/,
    );
    const raw = loadClassifier(add('raw', redNet(), { ...RED, scores: 'probabilities' }));
    await assert.rejects(raw, /which is none of the probabilities/);
    await assert.rejects(as('percent'), /"scores" must be logits or probabilities/);
  });

  it('of a softmax over the images are refused', async () => {
    const tail = (b: GraphBuilder, x: string) => b.node('Softmax', [x], { axis: int(0) });
    await assert.rejects(
      loadClassifier(add('axis', redNet(tail))),
      /gives 1 for every class .* another axis/,
    );
  });

  it('of a new layer of zeros are logits', async () => {
    const classifier = await loadClassifier(add('zeros', redNet(undefined, { scale: 0 })));
    near(await probabilities(classifier), [1 / 3, 1 / 3, 1 / 3]);
    assert.deepEqual([classifier.metadata.scores, classifier.notes], [undefined, []]);
  });

  it('of the best classes in their order are refused, unless those before are named', async () => {
    const tail = (b: GraphBuilder, x: string) =>
      b.nodes('TopK', [softmax(b, x), b.int64([3])], 2, { axis: int(1) })[0]!;
    const bytes = redNet(tail);
    await assert.rejects(loadClassifier(add('top', bytes)), /best classes alone \(TopK\).*"output" in/);
    await assert.rejects(
      loadClassifier(add('top', bytes, { ...RED, scores: 'probabilities' })),
      /best classes alone/,
    );
    near(await probabilities(await loadClassifier(add('top', bytes, { ...RED, output: 'values' }))), P);
  });

  it('of the best class alone are refused', async () => {
    const tail = (b: GraphBuilder, x: string) =>
      b.node('ReduceMax', [softmax(b, x)], { axes: ints([1]), keepdims: int(1) });
    const bytes = redNet(tail, { output: { dims: ['N', 1] } });
    const loading = loadClassifier(add('best', bytes, { ...RED, labels: ['worse', 'better'] }));
    await assert.rejects(loading, /best classes alone \(ReduceMax\)/);
  });

  it('that change from one time to the next are refused', async () => {
    const noisy = (b: GraphBuilder, x: string) => b.node('Add', [x, b.node('RandomNormalLike', [x])]);
    await assert.rejects(loadClassifier(add('noisy', redNet(noisy))), /each time.* evaluation mode/);
  });

  it('that are negated logarithms are refused', async () => {
    const tail = (b: GraphBuilder, x: string) =>
      b.node('Neg', [b.node('LogSoftmax', [x], { axis: int(-1) })]);
    await assert.rejects(
      loadClassifier(add('negated', redNet(tail))),
      /negated logarithms.* "output" in its JSON/,
    );
  });

  it('in per cent are refused in one line', async () => {
    const tail = (b: GraphBuilder, x: string) => b.node('Mul', [softmax(b, x), b.float32(100)]);
    await assert.rejects(loadClassifier(add('percent', redNet(tail))), (error: Error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /scores that sum to 100 for every picture[^\n]*"scores" in its JSON file$/);
      return true;
    });
  });
});

describe('independent scores', () => {
  const expected = [0.880797, 0.119203, 0.119203];
  const written = (b: GraphBuilder, x: string) =>
    b.node('Div', [b.float32(1), b.node('Add', [b.node('Exp', [b.node('Neg', [x])]), b.float32(1)])]);
  for (const [name, tail] of [
    ['sigmoids', sigmoid],
    ['sigmoids and Identity', (b: GraphBuilder, x: string) => b.node('Identity', [sigmoid(b, x)])],
    ['sigmoids written out', written],
  ] as const) {
    it(name, async () => {
      const classifier = await loadClassifier(add('independent', redNet(tail)));
      near(await probabilities(classifier), expected);
      assert.equal(classifier.metadata.scores, 'independent');
      assert.deepEqual(classifier.notes, []);
      const again = decodeModel(classifier.bytes);
      assert.equal(decodeMetadata(again.metadata, 'it').scores, 'independent');
    });
  }

  it('of which the sigmoid is left out', async () => {
    const classifier = await loadClassifier(
      add('before', redNet(), { ...RED, scores: 'independent-logits' }),
    );
    near(await probabilities(classifier), expected);
    assert.equal(classifier.metadata.scores, 'independent');
  });

  it('are told by the numbers, and said', async () => {
    const tanh = (b: GraphBuilder, x: string) =>
      b.node('Mul', [
        b.node('Add', [b.node('Tanh', [b.node('Mul', [x, b.float32(0.5)])]), b.float32(1)]),
        b.float32(0.5),
      ]);
    const classifier = await loadClassifier(add('tanh', redNet(tanh)));
    near(await probabilities(classifier), expected);
    assert.match(classifier.notes.join(), /ends in Mul.* does not sum to 1: taken for independent/);
  });
});

describe('one score an image', () => {
  const weight = [[2], [0], [0]];
  const flat = (b: GraphBuilder, x: string) => b.node('Squeeze', [x, b.int64([1])]);
  const cases: Record<string, [(b: GraphBuilder, x: string) => string, RedNetOptions?]> = {
    'a sigmoid, [N, 1]': [sigmoid],
    'a sigmoid, [N]': [(b, x) => flat(b, sigmoid(b, x)), { output: { dims: ['N'] } }],
    'a logit, [N, 1]': [(_, x) => x],
    'a logit, [N]': [flat, { output: { dims: ['N'] } }],
    'a sigmoid of one image at a time': [sigmoid, { batch: 1 }],
  };
  for (const [name, [tail, options]] of Object.entries(cases)) {
    it(name, async () => {
      for (const [labels, all] of [
        [['red'], ['not red', 'red']],
        [
          ['other', 'red'],
          ['other', 'red'],
        ],
        [undefined, ['0', '1']],
      ] as const) {
        const bytes = redNet(tail, { weight, ...options });
        const classifier = await loadClassifier(add('single', bytes, { ...RED, labels }));
        assert.deepEqual(classifier.metadata.labels, all);
        near(await probabilities(classifier), [0.119203, 0.880797]);
      }
    });
  }

  it('has no three labels, and no softmax', async () => {
    const load = (tail: typeof sigmoid) => loadClassifier(add('single', redNet(tail, { weight })));
    await assert.rejects(load(sigmoid), /one score an image, so two labels \(or one\), but there are 3/);
    await assert.rejects(load(softmax), /Softmax over it, which is 1 for every picture/);
  });
});

describe('outputs that nobody chose', () => {
  const argMax = (b: GraphBuilder, x: string) => b.node('ArgMax', [x], { axis: int(1), keepdims: int(0) });

  it('are left out: the index of the best class, and its name', async () => {
    const tail = (b: GraphBuilder, x: string) => {
      const best = argMax(b, x);
      b.initializer('names', {
        ...{ dtype: 'string', dims: [3], data: new Uint8Array(0) },
        texts: RED.labels.map((label) => new TextEncoder().encode(label)),
      });
      b.output(best, 'int64', ['N']);
      b.output(b.node('Gather', ['names', best]), 'string', ['N']);
      return softmax(b, x);
    };
    const bytes = redNet(tail);
    const classifier = await loadClassifier(add('beside', bytes));
    near(await probabilities(classifier), P);
    assert.ok(!classifier.graph.nodes.some(({ op }) => op === 'ArgMax' || op === 'Gather'));
    assert.ok(!classifier.graph.initializers.has('names'));
    assert.equal(decodeModel(bytes).graph.outputs.length, 3);
    const none = loadClassifier(add('beside', bytes, { ...RED, output: 'score' }));
    await assert.rejects(none, /no output "score"; it has .*\(int64\).*\(string\).*\(float32\)/);
  });

  it('are what to name another for, where the index is all there is', async () => {
    const bytes = redNet((b, x) => argMax(b, softmax(b, x)), { output: { dtype: 'int64', dims: ['N'] } });
    await assert.rejects(
      loadClassifier(add('index', bytes)),
      /is of type int64, .*; if the graph has the scores before it, name them with "output" in its JSON file$/,
    );
    near(await probabilities(await loadClassifier(add('index', bytes, { ...RED, output: 'softmax' }))), P);
  });

  it('two of floats are asked about, and any value may be named', async () => {
    const tail = (b: GraphBuilder, x: string) => {
      b.output(x, 'float32', ['N', 3]);
      return softmax(b, b.node('Neg', [x]));
    };
    await assert.rejects(loadClassifier(add('two', redNet(tail))), /say which is meant with "output"/);
    near(
      await probabilities(await loadClassifier(add('two', redNet(tail), { ...RED, output: 'values' }))),
      P,
    );
  });

  it('nor are inputs that nothing reads, as Keras leaves them behind', async () => {
    const tail = (b: GraphBuilder, x: string) => {
      b.input('normalization/Sub/y', 'float32', [1, 1, 1, 3]);
      return x;
    };
    const classifier = await loadClassifier(add('left-over', redNet(tail)));
    near(await probabilities(classifier), P);
    assert.deepEqual(
      decodeModel(classifier.bytes).graph.inputs.map(({ name }) => name),
      ['input'],
    );
    const read = redNet((b, x) => b.node('Mul', [x, b.input('temperature', 'float32', [1])]));
    await assert.rejects(loadClassifier(add('read', read)), /has the inputs "data", "temperature"/);
  });

  it('a dictionary is seen through, with the names in it', async () => {
    const { FLOAT, STRING } = onnx.TensorProto.DataType;
    const tail = (b: GraphBuilder, x: string) => {
      const p = softmax(b, x);
      b.node(
        'ZipMap',
        [p],
        { classlabels_strings: { type: 'strings', value: RED.labels } },
        { name: 'dictionary', domain: 'ai.onnx.ml' },
      );
      return p;
    };
    const whole = onnx.ModelProto.decode(redNet(tail, { domains: { 'ai.onnx.ml': 2 } }));
    const elemType = { mapType: { keyType: STRING, valueType: { tensorType: { elemType: FLOAT } } } };
    whole.graph!.output = [{ name: 'dictionary', type: { sequenceType: { elemType } } }];
    const bytes = new Uint8Array(onnx.ModelProto.encode(whole).finish());
    assert.deepEqual(decodeModel(bytes).graph.otherOutputs, [
      { name: 'dictionary', type: 'sequence(map(string, float32))' },
    ]);
    const { labels: _, ...rest } = RED;
    const classifier = await loadClassifier(add('zip', bytes, rest));
    assert.deepEqual(classifier.metadata.labels, RED.labels);
    near(await probabilities(classifier), P);
  });
});

describe('a batch that is not what its input says', () => {
  it('with 1 baked in goes image by image', async () => {
    const tail = (b: GraphBuilder, x: string) => b.node('Reshape', [x, b.int64([1, 3])]);
    const classifier = await loadClassifier(add('baked', redNet(tail)));
    near(await probabilities(classifier), P);
    assert.equal(classifier.metadata.oneByOne, true);
    assert.match(classifier.notes.join(), /fails with 2 images at once in its Reshape.* image by image$/);
  });

  it('in which images change each other goes image by image', async () => {
    const tail = (b: GraphBuilder, x: string) =>
      softmax(b, b.node('Sub', [x, b.node('ReduceMax', [x], { axes: ints([0]), keepdims: int(1) })]));
    const classifier = await loadClassifier(add('mixed', redNet(tail)));
    near(await probabilities(classifier), [1 / 3, 1 / 3, 1 / 3]);
    assert.match(classifier.notes.join(), /gives other scores for \d images at once than for each/);
  });
});

describe('by numbers alone', () => {
  const graph = (scores: 'logits' | 'unknown' | 'probabilities') => ({ scores, op: 'Op', loose: false });
  const rows = [
    [0.2, 0.3, 0.1],
    [0.9, 0.8, 0.1],
  ];

  it('small logits are not taken for probabilities, as they grow with the input', () => {
    const probed = { pictures: rows, extremes: [[-3, 40, 2]] };
    assert.deepEqual(decideScores(graph('logits'), probed, 'it'), { scores: 'logits' });
  });

  it('without such inputs the graph is believed, and it is said', () => {
    const decided = decideScores(graph('logits'), { pictures: rows, extremes: [] }, 'it');
    assert.equal(decided.scores, 'logits');
    assert.match(decided.note!, /taken for logits; "scores" in its JSON file decides$/);
  });

  it('what never changes, or hardly, is what the graph says', () => {
    const decide = (scores: 'logits' | 'independent', pictures: number[][]) =>
      decideScores({ scores, op: 'Op', loose: false }, { pictures, extremes: pictures }, 'it').scores;
    const zeros = [0, 0, 0];
    const thirds = zeros.map(() => 1 / 3);
    for (const row of [zeros, thirds, [0.5, 0.5, 0.5]]) assert.equal(decide('logits', [row, row]), 'logits');
    const halves = [
      [0.501, 0.502],
      [0.498, 0.499],
    ];
    assert.equal(decide('independent', halves), 'independent');
    // Of many classes each is small, and their sum is none by chance.
    const many = [0, 1].map((shift) =>
      Array.from({ length: 100 }, (_, i) => 0.01 + 0.0005 * (-1) ** (i + shift)),
    );
    assert.equal(decide('logits', many), 'probabilities');
    assert.equal(
      decide('logits', [
        [0.01, 0.02, 0],
        [0.03, 0.01, 0],
      ]),
      'independent',
    );
  });

  it('numbers that are none are refused', () => {
    const none = { pictures: [[Number.NaN, 1]], extremes: [] };
    assert.throws(() => scoresOfNumbers(none, 'it'), /gives no numbers \(NaN\) for any picture/);
  });

  it('the kind of each', () => {
    const kind = (...pictures: number[][]) => scoresOfNumbers({ pictures, extremes: [] }, 'it');
    assert.equal(kind([0.5, 0.5], [1, 0]), 'probabilities');
    assert.equal(kind([0.5, 0.2], [1, 0]), 'independent');
    assert.equal(kind([Math.log(0.25), Math.log(0.75)], [0, Number.NEGATIVE_INFINITY]), 'log-probabilities');
    assert.equal(kind([0.5, 0.5], [2, -1]), 'logits');
    assert.equal(kind([0.5], [1]), 'independent');
  });
});
