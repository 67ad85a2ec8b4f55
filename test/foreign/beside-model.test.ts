import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { parsePythonNames } from '../../core/foreign-model/in-metadata.ts';
import { type LoadedClassifier, loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { openModel } from '../../core/foreign-model/open-model.ts';
import { DISK } from '../../core/fs/file-tree.ts';
import { readLabels } from '../../core/labels.ts';
import { isOurs } from '../../core/model-metadata.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { readModel } from '../../web-demo/page/worker/foreign.ts';
import { HALVES, type TinyNetOptions, tinyNet, tinyWeight } from './tiny-net.ts';

const root = mkdtempSync(join(tmpdir(), 'beside-'));
after(() => rmSync(root, { recursive: true, force: true }));
const RGB = ['red', 'green', 'blue'];
const ID2LABEL = { 0: 'red', 1: 'green', 2: 'blue' };
let count = 0;

/** A folder of its own with these files; what is no text or bytes is written as JSON. */
function folderOf(files: Record<string, unknown>): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    const isRaw = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(path, isRaw ? content : JSON.stringify(content));
  }
  return folder;
}

function load(
  files: Record<string, unknown>,
  net: TinyNetOptions = {},
  name = 'm.onnx',
): Promise<LoadedClassifier> {
  return loadClassifier(join(folderOf({ [name]: tinyNet(net), ...files }), name));
}

function refused(work: Promise<unknown>, message: RegExp): Promise<void> {
  return assert.rejects(work, (error: Error) => {
    assert.ok(error instanceof UserError, error.stack);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /[\p{Cc}\p{Bidi_Control}]/u);
    return true;
  });
}

function close(actual: number[], expected: number[]): void {
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]!) < 1e-9, `${actual} for ${expected}`);
  }
}

describe("another program's metadata is not taken for ours", () => {
  const others: Record<string, Record<string, string>> = {
    labels: { labels: 'a,b,c', author: 'me' },
    'a list of labels': { labels: '["a","b","c"]' },
    mean: { mean: '0.5 0.5 0.5', std: '1' },
    'most of our keys': {
      ...{ model: 'net', labels: '["a","b","c"]', mean: '[0,0,0]', std: '[1,1,1]' },
      ...{ color_space: 'RGB', input_layout: 'NCHW' },
    },
    'keys that we read in ours': {
      ...{
        accuracy: 'good',
        preprocessing: 'imagenet',
        precision: 'float32',
        training_config: '-',
        agreement: '',
      },
      ...{ scores: 'high', batching: 'static' },
    },
  };
  for (const [what, props] of Object.entries(others)) {
    it(`${what}: the JSON decides, and what is made of it is ours`, async () => {
      const { metadata, bytes } = await load({ 'm.json': { ...HALVES, labels: RGB } }, { props });
      assert.deepEqual([metadata.labels, metadata.mean], [RGB, [0.5, 0.5, 0.5]]);
      const again = await load({ 'm.onnx': bytes });
      assert.deepEqual(again.metadata, metadata);
      assert.equal(isOurs(decodeModel(bytes).metadata), true);
    });
  }

  it('files that were written before there was a key of our own are', async () => {
    const { bytes } = await load({ 'm.json': { ...HALVES, labels: RGB } });
    const { 'onnx_classifier.format': format, ...before } = decodeModel(bytes).metadata;
    assert.equal(format, '1');
    assert.equal(isOurs(before), true);
    for (const key of ['model', 'labels', 'mean', 'input_layout', 'color_space', 'input_height']) {
      const { [key]: _, ...less } = before;
      assert.equal(isOurs(less), false, key);
    }
  });
});

describe('labels', () => {
  const forms: Record<string, unknown> = {
    'a list': RGB,
    "Hugging Face's id2label": ID2LABEL,
    'in another order': { 2: 'blue', 0: 'red', 1: 'green' },
    label2id: { green: 1, red: 0, blue: 2 },
    "Keras's index": { 0: ['n01', 'red'], 1: ['n02', 'green'], 2: ['n03', 'blue'] },
    "Hugging Face's config.json": { architectures: ['X'], id2label: ID2LABEL, label2id: { red: 0 } },
    "timm's config.json": { label_names: RGB, architecture: 'x' },
    "timm's, by WordNet id": {
      label_names: ['n1', 'n2', 'n3'],
      label_descriptions: { n1: 'red', n2: 'green', n3: 'blue' },
    },
  };
  for (const [what, labels] of Object.entries(forms)) {
    it(`${what}, in the JSON and in a file that it names`, async () => {
      const inline = await load({ 'm.json': { ...HALVES, labels } });
      assert.deepEqual(inline.metadata.labels, RGB);
      const named = await load({ 'l.json': labels, 'm.json': { ...HALVES, labels: 'l.json' } });
      assert.deepEqual(named.metadata.labels, RGB);
    });
  }

  it('a name a line, with a byte order mark and line ends of Windows', async () => {
    const files = { 'l.txt': '\uFEFFred\r\ngreen\r\nblue\r\n\r\n', 'm.json': { ...HALVES, labels: 'l.txt' } };
    assert.deepEqual((await load(files)).metadata.labels, RGB);
  });

  const bad: [string, unknown, RegExp][] = [
    ['a gap', { 0: 'red', 1: 'green', 3: 'blue' }, /no name for class 2, of 3 in all from 0 on/],
    ['from 1 on', { 1: 'red', 2: 'green', 3: 'blue' }, /no name for class 0/],
    ['numbers on both sides', { 0: 1, 1: 2, 2: 0 }, /must be a list of names, an object of names by number/],
    ['another key', { 0: 'red', 1: 'green', x: 'blue' }, /and has "x"/],
    ['one of them no text', ['red', 'green', 3], /the name of class 2 is no text/],
    ['one of them empty', ['red', ' ', 'blue'], /the name of class 1 is empty/],
    ['one of them empty, by number', { 0: 'red', 1: 'green', 2: '' }, /the name of class 2 is empty/],
    ['a class twice', { label2id: { red: 0, rot: 0, blue: 1 } }, /names class 0 twice/],
    ['nothing', {}, /has no label names/],
    ['too few', ['red'], /there are 1 labels/],
  ];
  for (const [what, labels, message] of bad) {
    it(`are refused: ${what}`, () => refused(load({ 'm.json': { ...HALVES, labels } }), message));
  }

  it('lose escape sequences, line feeds and what turns the direction of writing', async () => {
    const labels = ['\u001b[31mred', 'gr\neen', '\u202eeulb \u009b2J'];
    const { metadata } = await load({ 'm.json': { ...HALVES, labels, name: 'a\u001b]0;x\u0007' } });
    assert.deepEqual(metadata.labels, ['\uFFFD[31mred', 'gr een', '\uFFFDeulb \uFFFD2J']);
    assert.equal(metadata.model, 'a\uFFFD]0;x\uFFFD');
    // Families of emoji are made with joiners.
    const emoji = ['👩\u200d🔬', 'b', 'c'];
    assert.deepEqual((await load({ 'm.json': { ...HALVES, labels: emoji } })).metadata.labels, emoji);
  });

  describe('of YOLO classifiers, in the metadata as Python writes them', () => {
    const names = "{0: 'red', 1: \"green\", 2: 'blue'}";
    it('stand in where the JSON has none', async () => {
      const yolo = { names, task: 'classify', imgsz: '[8, 8]' };
      assert.deepEqual((await load({ 'm.json': HALVES }, { props: yolo })).metadata.labels, RGB);
      assert.deepEqual((await load({ 'm.json': HALVES }, { props: { names } })).metadata.labels, RGB);
      const own = { ...HALVES, labels: ['a', 'b', 'c'] };
      assert.deepEqual((await load({ 'm.json': own }, { props: yolo })).metadata.labels, ['a', 'b', 'c']);
    });

    it('need no JSON where Ultralytics wrote them: RGB from 0 to 1', async () => {
      const props = { author: 'Ultralytics', task: 'classify', names, imgsz: '[8, 8]' };
      for (const size of [8, null]) {
        const { metadata } = await load({}, { props, size });
        assert.deepEqual([metadata.labels, metadata.mean, metadata.std], [RGB, [0, 0, 0], [1, 1, 1]]);
        assert.deepEqual([metadata.inputHeight, metadata.inputWidth], [8, 8]);
      }
      await refused(load({}, { props: { ...props, task: 'detect' } }), /does not say how to prepare/);
    });

    it('are what the page takes of a dropped model, which has no file beside it', async () => {
      for (const size of [8, null]) {
        const props = { author: 'Ultralytics', task: 'classify', names, imgsz: '[8, 8]' };
        const { metadata, assumed } = await readModel(tinyNet({ props, size }), 'm.onnx', openModel);
        assert.deepEqual([metadata.labels, metadata.mean, metadata.std], [RGB, [0, 0, 0], [1, 1, 1]]);
        assert.deepEqual([metadata.inputHeight, assumed], [8, false]);
      }
      const { metadata, assumed, notes } = await readModel(
        tinyNet({ props: { names } }),
        'm.onnx',
        openModel,
      );
      assert.deepEqual([metadata.labels, assumed, notes], [RGB, true, []]);
      const any = await readModel(tinyNet({ size: null }), 'm.onnx', openModel);
      assert.deepEqual(any.notes, ['it takes pictures of any size: 32×32 pixels are assumed']);
    });

    it('and a config.json of nobody knows whom beside them does not matter', async () => {
      const props = { author: 'Ultralytics', task: 'classify', names };
      const { metadata } = await load({ 'config.json': '// of an editor' }, { props });
      assert.deepEqual(metadata.labels, RGB);
      await refused(load({ 'config.json': '// of an editor' }), /config.json is not JSON/);
    });

    it('are left alone where they are something else', async () => {
      for (const text of ["{0: 'a', 1: 'b'}", 'x', '{0: f()}', "{'a': 1}", '']) {
        const { metadata } = await load({ 'm.json': HALVES }, { props: { names: text } });
        assert.deepEqual(metadata.labels, ['0', '1', '2'], text);
      }
    });

    it('are read with quotes and escapes of theirs', () => {
      assert.deepEqual(
        { ...parsePythonNames(String.raw`{0: 'a\'b', 1: "c's \"d\"", 10: '\xe9\u4e2d\U0001F600\n'}`) },
        { 0: "a'b", 1: 'c\'s "d"', 10: 'é中😀\n' },
      );
      assert.deepEqual(parsePythonNames("['a', 'b']"), ['a', 'b']);
      for (const text of [
        '{',
        '[',
        "['a'",
        "['a' 'b']",
        "{0 'a'}",
        "{0: 'a', 0: 'b'}",
        "{0: ['a']}",
        "x'a'",
      ]) {
        assert.equal(parsePythonNames(text), undefined, text);
      }
    });
  });
});

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const VIT = {
  ...{ do_normalize: true, do_rescale: true, do_resize: true, image_processor_type: 'ViTImageProcessor' },
  ...{ image_mean: MEAN, image_std: STD, resample: 2, rescale_factor: 1 / 255 },
  size: { height: 8, width: 8 },
};

describe("Hugging Face's preprocessing", () => {
  const config = { architectures: ['ViTForImageClassification'], id2label: ID2LABEL, image_size: 8 };

  it('is read from a repository, whose models lie in onnx/', async () => {
    const files = { 'config.json': config, 'preprocessor_config.json': VIT };
    for (const name of ['onnx/model.onnx', 'model.onnx']) {
      const { metadata, notes } = await load(files, { size: null }, name);
      assert.deepEqual(metadata.labels, RGB);
      close([...metadata.mean, ...metadata.std], [...MEAN, ...STD]);
      assert.deepEqual([metadata.inputHeight, metadata.inputWidth], [8, 8]);
      assert.match(notes.join(), /squeezes pictures of another aspect ratio/);
    }
  });

  it('is read from processor_config.json and under the name of the model', async () => {
    const inner = await load({ 'processor_config.json': { image_processor: VIT }, 'config.json': config });
    assert.deepEqual(inner.metadata.labels, RGB);
    const { metadata } = await load({ 'm.json': { ...VIT, labels: RGB } });
    assert.deepEqual(metadata.labels, RGB);
    close([...metadata.mean], MEAN);
  });

  it("is read from its cache, where every file is a link into blobs/, external data's too", async () => {
    const cache = folderOf({
      'blobs/a1': tinyNet({ location: 'model.onnx_data' }),
      'blobs/b2': tinyWeight(),
      'blobs/c3': VIT,
      'blobs/d4': config,
    });
    const snapshot = join(cache, 'snapshots', 'x');
    mkdirSync(join(snapshot, 'onnx'), { recursive: true });
    symlinkSync('../../../blobs/a1', join(snapshot, 'onnx', 'model.onnx'));
    symlinkSync('../../../blobs/b2', join(snapshot, 'onnx', 'model.onnx_data'));
    symlinkSync('../../blobs/c3', join(snapshot, 'preprocessor_config.json'));
    symlinkSync('../../blobs/d4', join(snapshot, 'config.json'));
    const { metadata } = await loadClassifier(join(snapshot, 'onnx', 'model.onnx'));
    assert.deepEqual(metadata.labels, RGB);
  });

  const values: [string, object, { mean: number[]; std: number[] }, RegExp | undefined][] = [
    [
      'no rescaling',
      { do_rescale: false, image_mean: [127.5], image_std: [127.5] },
      same(0.5, 0.5),
      /squeezes/,
    ],
    ['no normalising', { do_normalize: false, image_mean: null }, same(0, 1), /squeezes/],
    [
      'another factor',
      { rescale_factor: 1 / 127.5, image_mean: [1], image_std: [1] },
      same(0.5, 0.5),
      /squeezes/,
    ],
    [
      "EfficientNet's second division",
      { image_processor_type: 'EfficientNetImageProcessor', image_mean: [0.5], image_std: [0.5] },
      same(0.5, 0.25),
      /squeezes/,
    ],
    [
      "EfficientNet's offset",
      {
        image_processor_type: 'EfficientNetImageProcessor',
        rescale_offset: true,
        include_top: false,
        rescale_factor: 1 / 127.5,
        image_mean: [0],
        image_std: [1],
      },
      same(0.5, 0.5),
      /squeezes/,
    ],
    [
      "CLIP's middle square, as ours",
      { size: { shortest_edge: 8 }, crop_size: { height: 8, width: 8 }, do_center_crop: true },
      { mean: MEAN, std: STD },
      undefined,
    ],
    [
      'a smaller middle',
      { size: { shortest_edge: 10 }, crop_size: 8, do_center_crop: true, resample: 3 },
      { mean: MEAN, std: STD },
      /resizes with a bicubic filter, and takes the middle 8 of 10 pixels/,
    ],
    [
      "ConvNeXt's share",
      { image_processor_type: 'ConvNextImageProcessor', size: { shortest_edge: 8 } },
      { mean: MEAN, std: STD },
      /takes the middle 8 of 9 pixels/,
    ],
    [
      "ConvNeXt's own share",
      { image_processor_type: 'ConvNextImageProcessorFast', size: { shortest_edge: 8 }, crop_pct: 0.8 },
      { mean: MEAN, std: STD },
      /takes the middle 8 of 10 pixels/,
    ],
    [
      "MobileNetV2's middle",
      {
        ...{ image_processor_type: 'MobileNetV2ImageProcessor', size: { shortest_edge: 9 } },
        ...{ crop_size: { height: 8, width: 8 }, do_center_crop: true, resample: 2 },
      },
      { mean: MEAN, std: STD },
      /preprocessing takes the middle 8 of 9 pixels;/,
    ],
    [
      "LeViT's larger picture",
      {
        ...{ image_processor_type: 'LevitImageProcessor', size: { shortest_edge: 8 } },
        ...{ crop_size: { height: 8, width: 8 }, do_center_crop: true },
      },
      { mean: MEAN, std: STD },
      /takes the middle 8 of 9 pixels/,
    ],
    [
      "Perceiver's crop before its size",
      {
        ...{ image_processor_type: 'PerceiverImageProcessor', size: { height: 8, width: 8 } },
        ...{ crop_size: { height: 9, width: 9 }, do_center_crop: true },
      },
      { mean: MEAN, std: STD },
      /takes the middle 8 of 9 parts of a picture's shorter side/,
    ],
  ];
  for (const [what, change, { mean, std }, note] of values) {
    it(`means what it does there: ${what}`, async () => {
      const { metadata, notes } = await load(
        { 'preprocessor_config.json': { ...VIT, ...change } },
        { size: null },
      );
      close([...metadata.mean, ...metadata.std], [...mean, ...std]);
      assert.equal(metadata.inputHeight, 8);
      if (note) assert.match(notes.join(), note);
      else assert.deepEqual(notes, []);
    });
  }

  it("flips the channels as MobileViT's does, unless it says otherwise", async () => {
    for (const [flip, isFlipped] of [
      [true, true],
      [undefined, true],
      [false, false],
    ] as const) {
      const { metadata, graph } = await load({
        'preprocessor_config.json': {
          ...{ image_processor_type: 'MobileViTImageProcessor', do_flip_channel_order: flip },
          ...{ size: { shortest_edge: 8 }, crop_size: { height: 8, width: 8 }, do_center_crop: true },
          do_rescale: true,
        },
      });
      close([...metadata.mean, ...metadata.std], [0, 0, 0, 1, 1, 1]);
      assert.equal(
        graph.nodes.some(({ op }) => op === 'Gather'),
        isFlipped,
      );
    }
  });

  it('leaves the size to the graph where it crops and does not say to what', async () => {
    const files = {
      'preprocessor_config.json': {
        ...{ ...VIT, image_processor_type: 'MobileNetV2ImageProcessor' },
        ...{ size: { shortest_edge: 9 }, do_center_crop: true },
      },
    };
    const { metadata, notes } = await load(files);
    assert.equal(metadata.inputHeight, 8);
    assert.match(notes.join(), /takes the middle of the picture/);
    await refused(load(files, { size: null }), /takes images of any size; say which/);
  });

  it('knows from config.json whether a picture may be of several classes', async () => {
    const scoresOf = async (problem_type: unknown): Promise<string | undefined> =>
      (
        await load({
          'preprocessor_config.json': VIT,
          'config.json': { ...config, problem_type },
        })
      ).metadata.scores;
    assert.equal(await scoresOf('multi_label_classification'), 'independent');
    assert.equal(await scoresOf('single_label_classification'), undefined);
    assert.equal(await scoresOf(null), undefined);
    await refused(scoresOf('regression'), /its "problem_type" is "regression", so that its scores/);
  });

  const bad: [string, object, RegExp][] = [
    ['padding', { do_pad: true }, /asks for "do_pad", which is not done here/],
    ['a step of tomorrow', { do_wonders: true }, /asks for "do_wonders"/],
    ['BGR after normalising', { do_flip_channel_order: true }, /"do_flip_channel_order" too/],
    ['no statistics', { image_mean: null, do_normalize: true }, /must give "image_mean" and "image_std"/],
    ['another size than the graph', { size: { height: 9, width: 9 } }, /another size/],
    ['a size that is none', { size: { longest_edge: 9 } }, /"size" must be pixels, or have/],
    ['a deviation of nothing', { image_std: [0, 1, 1] }, /"std" must be/],
  ];
  for (const [what, change, message] of bad) {
    it(`is refused: ${what}`, () =>
      refused(load({ 'preprocessor_config.json': { ...VIT, ...change } }), message));
  }

  it('is not needed where a JSON of our own is there', async () => {
    const files = { 'preprocessor_config.json': { do_pad: true }, 'm.json': { ...HALVES, labels: RGB } };
    assert.deepEqual((await load(files)).metadata.mean, [0.5, 0.5, 0.5]);
  });
});

function same(mean: number, std: number): { mean: number[]; std: number[] } {
  return { mean: [mean, mean, mean], std: [std, std, std] };
}

describe("timm's config.json", () => {
  const pretrained_cfg = {
    ...{ input_size: [3, 8, 8], test_input_size: [3, 9, 9], mean: MEAN, std: STD, crop_pct: 0.95 },
    ...{ interpolation: 'bicubic', crop_mode: 'center', num_classes: 3 },
  };
  const config = { architecture: 'resnet18', num_classes: 3, pretrained_cfg };

  it('is read, with its labels and either of its sizes', async () => {
    for (const [size, expected] of [
      [8, 8],
      [9, 9],
      [null, 8],
    ] as const) {
      const files = { 'config.json': { ...config, label_names: RGB } };
      const { metadata, notes } = await load(files, { size });
      assert.deepEqual([metadata.labels, metadata.inputHeight], [RGB, expected]);
      close([...metadata.mean, ...metadata.std], [...MEAN, ...STD]);
      assert.match(
        notes.join(),
        /resizes with a bicubic filter, and takes the middle 95 % of a picture's side/,
      );
    }
  });

  it('is read as it was flat, and under the name of the model', async () => {
    const flat = { architecture: 'resnet18', ...pretrained_cfg };
    assert.deepEqual((await load({ 'm.json': flat })).metadata.labels, ['0', '1', '2']);
  });

  it('is refused for a graph of another size or other channels', async () => {
    await refused(load({ 'config.json': config }, { size: 10 }), /another size/);
    const cfg = { ...pretrained_cfg, input_size: [4, 8, 8] };
    await refused(
      load({ 'config.json': { ...config, pretrained_cfg: cfg } }),
      /"input_size" must be channels/,
    );
  });
});

describe('a path inside a file of others', () => {
  const json = (labels: string) => ({ 'm.json': { ...HALVES, labels } });
  writeFileSync(join(root, 'secret.txt'), 'a\nb\nc\n');

  it('leads nowhere outside of its folder', async () => {
    await refused(load(json('../secret.txt')), /cannot read the labels.*not in the model's folder/);
    await refused(load(json(join(root, 'secret.txt'))), /not in the model's folder/);
    await refused(load(json('/dev/zero')), /not in the model's folder/);
    await refused(load(json('none.txt')), /is missing/);
    await refused(load({ 'd/x': '', ...json('d') }), /is no file/);
    const folder = folderOf({ 'm.onnx': tinyNet(), ...json('link.txt') });
    symlinkSync(join(root, 'secret.txt'), join(folder, 'link.txt'));
    await refused(loadClassifier(join(folder, 'm.onnx')), /a link out of the model's folder/);
  });

  it('leads to what is linked beside the real file', async () => {
    const folder = folderOf({
      'm.onnx': tinyNet(),
      'labels.txt': 'red\ngreen\nblue\n',
      ...json('labels.txt'),
    });
    const linked = folderOf({});
    for (const name of ['m.onnx', 'm.json', 'labels.txt'])
      symlinkSync(join(folder, name), join(linked, name));
    assert.deepEqual((await loadClassifier(join(linked, 'm.onnx'))).metadata.labels, RGB);
  });

  it('and no error cites a file that is none of ours', async () => {
    const folder = folderOf({ 'm.onnx': tinyNet(), secret: 'root:x:0:0' });
    symlinkSync(join(folder, 'secret'), join(folder, 'm.json'));
    await assert.rejects(
      loadClassifier(join(folder, 'm.onnx')),
      (error: Error) => !/root/.test(error.message),
    );
  });

  it('is bounded in size', async () => {
    const big = folderOf({ 'big.txt': 'x'.repeat(16_000_001) });
    await refused(readLabels(join(big, 'big.txt'), DISK), /16000001 bytes, more than the 16000000/);
  });
});
