import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { openModel } from '../../core/foreign-model/open-model.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildResNet } from '../../core/models/resnet.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { givenFiles, modelAmong } from '../../web-demo/page/picture/dropped-files.ts';
import { fromFolder } from '../../web-demo/page/test-set/source.ts';
import { readGiven } from '../../web-demo/page/worker/foreign.ts';
import { HALVES, tinyNet, tinyWeight } from '../foreign/tiny-net.ts';

type Tree = { [name: string]: Tree | 'file' | 'locked' };

/** As a browser has them: a folder is told in parts of at most two. */
function entry(name: string, tree: Tree | 'file' | 'locked'): FileSystemEntry {
  if (typeof tree === 'string') {
    const file = (done: (file: File) => void, fail: () => void) =>
      tree === 'locked' ? fail() : done(new File([name], name));
    return { name, isFile: true, isDirectory: false, file } as unknown as FileSystemEntry;
  }
  const createReader = () => {
    const left = Object.entries(tree).map(([own, below]) => entry(own, below));
    return { readEntries: (done: (some: FileSystemEntry[]) => void) => done(left.splice(0, 2)) };
  };
  return { name, isFile: false, isDirectory: true, createReader } as unknown as FileSystemEntry;
}

function drop(entries: FileSystemEntry[], files: File[] = []): DataTransfer {
  return { files, items: entries.map((own) => ({ webkitGetAsEntry: () => own })) } as unknown as DataTransfer;
}

test('a dropped folder is read whole, with its paths; what cannot be read is left out', async () => {
  const cats = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`${i}.jpg`, 'file' as const]));
  const tree = {
    photos: { cat: cats, dog: { 'a.PNG': 'file', 'b.jpg': 'locked' }, '.DS_Store': 'file' },
  } as const;
  const { files, folder } = await givenFiles(drop([entry('photos', tree.photos)]));
  assert.equal(folder, true);
  assert.deepEqual(
    files.map(({ path }) => path).sort(),
    ['photos/.DS_Store', ...Object.keys(cats).map((name) => `photos/cat/${name}`), 'photos/dog/a.PNG'].sort(),
  );
  const source = fromFolder(files);
  assert.ok('pictures' in source);
  assert.equal(source.name, 'photos');
  assert.deepEqual(
    source.pictures.map(({ label, path }) => `${label} ${path}`).sort(),
    [...Object.keys(cats).map((name) => `cat cat/${name}`), 'dog dog/a.PNG'].sort(),
  );
});

test('of a whole dataset the test pictures are taken, and a folder without classes is refused', async () => {
  const own: Tree = { train: { cat: { '1.jpg': 'file' } }, test: { dog: { '2.jpg': 'file' } } };
  const source = fromFolder((await givenFiles(drop([entry('set', own)]))).files);
  assert.ok('pictures' in source);
  assert.deepEqual([source.name, source.pictures.map(({ label }) => label)], ['set/test', ['dog']]);
  const flat = await givenFiles(drop([entry('flat', { '1.jpg': 'file' })]));
  assert.throws(() => fromFolder(flat.files), UserError);
});

test('files alone are what they were, also where a browser tells of no entries', async () => {
  const file = new File(['x'], 'x.png');
  for (const data of [drop([entry('x.png', 'file')], [file]), { files: [file] } as unknown as DataTransfer]) {
    assert.deepEqual(await givenFiles(data), { files: [{ file, path: 'x.png' }], folder: false });
  }
  assert.deepEqual(await givenFiles(null), { files: [], folder: false });
});

const given = (files: Record<string, unknown>) =>
  Object.entries(files).map(([path, content]) => {
    const isRaw = typeof content === 'string' || content instanceof Uint8Array;
    const parts = [isRaw ? (content as Uint8Array<ArrayBuffer>) : JSON.stringify(content)];
    return { path, file: new File(parts, path.split('/').at(-1)!) };
  });

const RGB = ['red', 'green', 'blue'];
const ID2LABEL = { id2label: { 0: 'red', 1: 'green', 2: 'blue' } };
const PROCESSOR = { do_normalize: true, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], size: 8 };

function ownModel(): Uint8Array {
  const net = { name: 'own', block: 'basic', depths: [1], widths: [8], stemWidth: 8 } as const;
  const graph = buildResNet(net, { numClasses: 3 });
  initializeParameters(graph, 3);
  const metadata = encodeMetadata({
    ...{ model: 'own', dataset: 'colours', labels: RGB, mean: [0, 0, 0], std: [1, 1, 1] },
    ...{ inputLayout: 'NCHW', colorSpace: 'RGB', inputHeight: 32, inputWidth: 32 },
  });
  return encodeModel(graph, metadata);
}

/** Folders, and what is said where they hold no model that can be read. */
const FOLDERS: Readonly<Record<string, [files: Record<string, unknown>, refused?: RegExp]>> = {
  'of Hugging Face': [
    {
      'config.json': ID2LABEL,
      'preprocessor_config.json': PROCESSOR,
      'onnx/model.onnx': tinyNet(),
      'onnx/model_quantized.onnx': 'another',
      'README.md': '# card',
    },
  ],
  'of its cache': [
    {
      'refs/main': 'b\n',
      'snapshots/a/model.onnx': 'old',
      'snapshots/b/onnx/model.onnx': tinyNet(),
      'snapshots/b/preprocessor_config.json': { ...PROCESSOR, resample: 3 },
      'blobs/x': 'x',
    },
  ],
  'of timm': [
    {
      'model.onnx': tinyNet({ size: null }),
      'config.json': {
        architecture: 'tiny',
        pretrained_cfg: { input_size: [3, 8, 8], mean: [0.5, 0.5, 0.5], std: [1, 1, 1], label_names: RGB },
      },
    },
  ],
  'with weights and labels beside it': [
    {
      'net.onnx': tinyNet({ location: 'net.onnx.data' }),
      'net.onnx.data': tinyWeight(),
      'net.json': { ...HALVES, labels: 'labels.txt' },
      'labels.txt': '\uFEFFred\ngreen\nblue\n',
      '.DS_Store': 'x',
    },
  ],
  'that this project exported': [{ 'own.onnx': ownModel(), 'own.md': '# card' }],
  'with several models': [
    { 'a.onnx': tinyNet(), 'b.onnx': tinyNet() },
    /holds a\.onnx, b\.onnx and no model\.onnx; give/,
  ],
  'with a model too deep': [
    { 'a/b/c.onnx': tinyNet() },
    /holds no \.onnx file, neither itself nor in a folder onnx\//,
  ],
  'without a word of the pictures': [
    { 'net.onnx': tinyNet(), 'config.json': ID2LABEL },
    /net\.onnx does not say how to prepare images/,
  ],
  'of a net that is no classifier': [
    {
      'net.onnx': tinyNet(),
      'preprocessor_config.json': PROCESSOR,
      'config.json': { problem_type: 'regression' },
    },
    /its scores are of no classes/,
  ],
  'without its labels': [
    { 'net.onnx': tinyNet(), 'net.json': { ...HALVES, labels: '../labels.txt' } },
    /cannot read the labels/,
  ],
  'without its weights': [
    { 'net.onnx': tinyNet({ location: 'gone' }), 'net.json': HALVES },
    /the file of its external data, "gone", is missing/,
  ],
  'with half of its weights': [
    { 'net.onnx': tinyNet({ location: 'half' }), 'net.json': HALVES, half: tinyWeight().subarray(0, 9) },
    /needs bytes 0 to 36 of "half", which has 9/,
  ],
};

test('a model in a folder, given to the page, is read as the server reads it, or refused alike', async (t) => {
  const place = await mkdtemp(join(tmpdir(), 'given-model-'));
  t.after(() => rm(place, { recursive: true, force: true }));
  for (const [what, [files, refused]] of Object.entries(FOLDERS)) {
    const folder = join(place, what);
    for (const { path, file } of given(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), await file.bytes());
    }
    const model = modelAmong(
      given(Object.fromEntries(Object.entries(files).map(([path, content]) => [`${what}/${path}`, content]))),
    );
    assert.ok(model && 'files' in model, what);
    const page = () => readGiven(model.name, model, openModel);
    if (refused) {
      await assert.rejects(
        page(),
        (error: Error) => error instanceof UserError && refused.test(error.message),
        what,
      );
      await assert.rejects(loadClassifier(folder), refused, what);
      continue;
    }
    const { bytes, metadata, notes } = await loadClassifier(folder);
    const read = await page();
    assert.deepEqual(read.metadata, metadata, what);
    assert.deepEqual(read.notes, notes, what);
    assert.deepEqual(Buffer.from(read.bytes), Buffer.from(bytes), what);
    assert.equal(read.assumed, false);
  }
});

test('files given together are a model with what is beside it, or else pictures', async () => {
  const net = tinyNet();
  const together = modelAmong(
    given({ 'a.jpg': 'x', 'net.json': { ...HALVES, labels: RGB }, 'net.onnx': net }),
  );
  assert.ok(together && 'files' in together);
  assert.equal(together.name, 'net.onnx');
  const { metadata } = await readGiven(together.name, together, openModel);
  assert.deepEqual([metadata.model, metadata.labels], ['net', RGB]);
  // The contents of a folder, without the folder.
  const repository = given({
    'onnx/model.onnx': net,
    'config.json': ID2LABEL,
    'preprocessor_config.json': PROCESSOR,
  });
  const contents = modelAmong(repository);
  assert.ok(contents && 'files' in contents);
  assert.deepEqual((await readGiven(contents.name, contents, openModel)).metadata.labels, RGB);
  const alone = modelAmong(given({ 'net.onnx': net, 'a.jpg': 'x' }));
  assert.ok(alone && 'file' in alone);
  const several = modelAmong(given({ 'a.onnx': net, 'b.onnx': net }));
  assert.ok(several && 'files' in several);
  await assert.rejects(
    readGiven(several.name, several, openModel),
    /^UserError: the selection holds a\.onnx, b\.onnx/,
  );
  for (const pictures of [{ 'a.jpg': 'x' }, { 'set/cat/1.jpg': 'x', 'set/runs/1/deep.onnx': net }, {}])
    assert.equal(modelAmong(given(pictures)), undefined);
});
