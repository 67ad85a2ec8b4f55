import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { givenFiles } from '../../web-demo/page/picture/dropped-files.ts';
import { fromFolder } from '../../web-demo/page/test-set/source.ts';

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
