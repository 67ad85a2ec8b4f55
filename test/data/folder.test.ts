import assert from 'node:assert/strict';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { decodePlanar, measureNormalization } from '../../core/data/folder/read-folder.ts';
import { type LoadDatasetOptions, loadDataset } from '../../core/data/load.ts';
import { decodeImage } from '../../serve/image/decode.ts';
import { picture, writeColors, writeTree } from './image-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { rejectsPlainly } from './user-error.ts';

const load = (dir: string, options: LoadDatasetOptions = {}): Promise<ImageDataset> =>
  loadDataset({ dir, ...options });

/** Two classes with one image in each split, which a test then changes. */
async function smallest(): Promise<string> {
  const root = await temporaryFolder();
  await writeTree(root, {
    'train/a/1.png': picture(1, 32, 32).png(),
    'train/b/1.png': picture(2, 32, 32).png(),
    'test/a/1.png': picture(3, 32, 32).png(),
    'test/b/1.png': picture(4, 32, 32).png(),
  });
  return root;
}

test('reads classes in the order of their names, and their images in turns', async () => {
  const root = await temporaryFolder();
  await writeTree(root, {
    'train/zebra/b.png': picture(1, 32, 32).png(),
    'train/zebra/a.JPG': picture(2, 32, 32).jpeg(),
    'train/zebra/c.webp': picture(3, 32, 32).webp(),
    'train/Ape/x.jpeg': picture(4, 32, 32).jpeg(),
    'train/cat 2/x.png': picture(5, 32, 32).png(),
    'train/cat 2/y.png': picture(6, 32, 32).png(),
    'val/cat 2/1.png': picture(7, 32, 32).png(),
    'val/Ape/1.png': picture(8, 32, 32).png(),
    'val/zebra/1.png': picture(9, 32, 32).png(),
    // Passed over: what is no image by its name, and what is hidden.
    'train/zebra/notes.txt': 'text',
    'train/zebra/.hidden.png': 'no image',
    'train/.cache/x.png': 'no image',
    'train/README.md': 'text',
    'val/zebra/deeper/x.png': 'no image',
  });
  const dataset = await load(root);
  assert.deepEqual([dataset.name, dataset.height, dataset.width], ['folder', 32, 32]);
  assert.deepEqual(dataset.labels, ['Ape', 'cat 2', 'zebra']);
  assert.deepEqual([...dataset.train.labels], [0, 1, 2, 1, 2, 2]);
  assert.deepEqual([...dataset.test.labels], [0, 1, 2]);
  assert.ok(dataset.train.images.buffer instanceof SharedArrayBuffer);
  const expected = new Uint8Array(3072);
  await decodePlanar(await readFile(join(root, 'train/zebra/c.webp')), 'x', 32, expected);
  assert.deepEqual(dataset.train.images.slice(5 * 3072), expected);
});

test('a PNG of the right size arrives byte for byte, channel-planar', async () => {
  const root = await smallest();
  const raw = await picture(3, 32, 32).raw().toBuffer();
  const { test: split } = await load(root, { splits: ['test'] });
  for (let p = 0; p < 1024; p++) {
    for (let c = 0; c < 3; c++) assert.equal(split.images[c * 1024 + p], raw[p * 3 + c]);
  }
});

test('odd images are decoded exactly as the server decodes them', async () => {
  const root = await temporaryFolder();
  const wide = (): Sharp => picture(1, 90, 50, [200, 90, 40]);
  const files: Record<string, Sharp> = {
    'grey.png': wide().greyscale().png(),
    'grey-alpha.png': wide().greyscale().ensureAlpha(0.5).png(),
    'alpha.png': wide().ensureAlpha(0.25).png(),
    'palette.png': wide().png({ palette: true }),
    'deep.png': wide().toColourspace('rgb16').png(),
    'turned.jpg': wide().jpeg().withMetadata({ orientation: 6 }),
    'cmyk.jpg': wide().toColourspace('cmyk').jpeg(),
    'grey.jpg': wide().greyscale().jpeg(),
    'alpha.webp': wide().ensureAlpha(0.5).webp({ lossless: true }),
    'tall.webp': picture(2, 33, 400).webp(),
    'tiny.png': picture(3, 1, 1).png(),
  };
  await writeTree(root, files);
  assert.equal((await sharp(join(root, 'cmyk.jpg')).metadata()).space, 'cmyk');
  assert.equal((await sharp(join(root, 'turned.jpg')).metadata()).orientation, 6);
  for (const name of Object.keys(files)) {
    for (const size of [32, 48]) {
      const planar = new Uint8Array(3 * size * size);
      await decodePlanar(await readFile(join(root, name)), 'x', size, planar);
      const served = await decodeImage(await readFile(join(root, name)), {
        height: size,
        width: size,
        maxPixels: 1e6,
      });
      const plane = size * size;
      const interleaved = Uint8Array.from(
        { length: 3 * plane },
        (_, i) => planar[(i % 3) * plane + Math.floor(i / 3)]!,
      );
      assert.deepEqual(interleaved, new Uint8Array(served), `${name} at ${size}`);
    }
  }
});

test('EXIF rotation, white behind transparency and the centre square, by their pixels', async () => {
  const root = await temporaryFolder();
  // Left half red, right half blue; turned by 90 degrees clockwise red is on top.
  const halves = Buffer.alloc(64 * 64 * 3);
  for (let p = 0; p < 64 * 64; p++) halves[p * 3 + (p % 64 < 32 ? 0 : 2)] = 255;
  const image = (pixels: Buffer): Sharp => sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });
  await writeTree(root, {
    'turned.jpg': image(halves).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }),
    'clear.png': image(halves).ensureAlpha(0).png(),
    'wide.png': image(halves).extend({ left: 100, right: 100, background: '#00ff00' }).png(),
  });
  const pixel = async (name: string, x: number, y: number): Promise<number[]> => {
    const out = new Uint8Array(3072);
    await decodePlanar(await readFile(join(root, name)), 'x', 32, out);
    return [0, 1, 2].map((c) => Math.round(out[c * 1024 + y * 32 + x]! / 8) * 8);
  };
  assert.deepEqual(await pixel('turned.jpg', 28, 4), [256, 0, 0]);
  assert.deepEqual(await pixel('turned.jpg', 4, 28), [0, 0, 256]);
  assert.deepEqual(await pixel('clear.png', 4, 4), [256, 256, 256]);
  assert.deepEqual(await pixel('wide.png', 1, 16), [256, 0, 0]);
  assert.deepEqual(await pixel('wide.png', 30, 16), [0, 0, 256]);
});

test('the normalisation is that of the training pixels, whatever is loaded', async () => {
  const root = await temporaryFolder();
  await writeColors(root, 4, 2);
  const dataset = await load(root);
  const { images, count } = dataset.train;
  assert.equal(count, 12);
  for (let c = 0; c < 3; c++) {
    const values: number[] = [];
    for (let i = 0; i < count; i++) {
      for (let p = 0; p < 1024; p++) values.push(images[(i * 3 + c) * 1024 + p]! / 255);
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    assert.ok(Math.abs(dataset.normalization.mean[c]! - mean) < 1e-6);
    assert.ok(Math.abs(dataset.normalization.std[c]! - Math.sqrt(variance)) < 1e-6);
  }
  const testOnly = await load(root, { splits: ['test'] });
  assert.deepEqual(testOnly.normalization, dataset.normalization);
  assert.deepEqual([testOnly.train.count, testOnly.test.count], [0, 6]);
  assert.deepEqual(testOnly.test.images, dataset.test.images);
  const none = await load(root, { splits: [] });
  assert.deepEqual([none.labels, none.normalization], [dataset.labels, dataset.normalization]);
});

test('a normalisation that is given spares the training images', async () => {
  const root = await smallest();
  await writeFile(join(root, 'train/a/1.png'), 'damaged');
  const normalization = { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] } as const;
  const given = {
    mean: [...normalization.mean],
    std: [...normalization.std],
  } as ImageDataset['normalization'];
  const dataset = await load(root, { splits: ['test'], normalization: given });
  assert.deepEqual([dataset.normalization, dataset.test.count], [given, 2]);
  await rejectsPlainly(load(root, { splits: ['test'] }), /train.a.1\.png is no PNG/);
});

test('a channel without any variation can still be divided by', () => {
  const flat = new Uint8Array(2 * 3 * 4).fill(51);
  const { mean, std } = measureNormalization(flat, 4);
  assert.deepEqual(mean, [0.2, 0.2, 0.2]);
  for (const value of std) assert.ok(Math.abs(value - 1 / 255) < 1e-6);
});

test('the image size is an option, and progress is told', async () => {
  const root = await smallest();
  const told: [number, number][] = [];
  const dataset = await load(root, { imageSize: 20, onProgress: (done, total) => told.push([done, total]) });
  assert.deepEqual([dataset.height, dataset.width, dataset.test.images.length], [20, 20, 2 * 3 * 400]);
  assert.deepEqual(
    told,
    [1, 2, 3, 4].map((done) => [done, 4]),
  );
  await rejectsPlainly(load(root, { imageSize: 0 }), /image size must be from 1 to 4096 pixels, not 0/);
  await rejectsPlainly(load(root, { imageSize: 2.5 }), /image size must be/);
});

test('links to folders and images are followed', async () => {
  const root = await smallest();
  const elsewhere = await temporaryFolder();
  await writeTree(elsewhere, { 'c/1.png': picture(5, 32, 32).png() });
  for (const split of ['train', 'test']) await symlink(join(elsewhere, 'c'), join(root, split, 'c'));
  assert.deepEqual((await load(root)).labels, ['a', 'b', 'c']);
});

test('both splits must have the same classes', async () => {
  const root = await smallest();
  await writeTree(root, { 'test/c/1.png': picture(5, 32, 32).png() });
  await rejectsPlainly(
    load(root),
    /^--data: .*test has the class "c" that .*train lacks; both need the same classes/,
  );
  await rm(join(root, 'test/c'), { recursive: true });
  for (let i = 0; i < 7; i++) await writeTree(root, { [`train/x${i}/1.png`]: picture(i, 32, 32).png() });
  await rejectsPlainly(
    load(root),
    /train has the class "x0", "x1", "x2", "x3", "x4" and 2 more that .*test lacks/,
  );
});

test('empty classes and splits are refused', async () => {
  const root = await smallest();
  await mkdir(join(root, 'train/c'));
  await rejectsPlainly(
    load(root),
    /train.c has no image \(png, jpg, jpeg, webp, bmp, tif, gif, avif\); put some in, or remove the class/,
  );
  await writeFile(join(root, 'train/c/picture.svg'), '<svg/>');
  await writeFile(join(root, 'train/c/picture.HEIC'), '');
  await rejectsPlainly(
    load(root),
    /train.c has no image \(.*\), not read: 1 \.heic, 1 \.svg; convert HEIC to JPEG.*; put some in/,
  );
  await rm(join(root, 'train'), { recursive: true });
  await writeTree(root, { 'train/1.png': picture(1, 32, 32).png() });
  await rejectsPlainly(load(root), /train has no class folders; put its images into .*train.<class>/);
  const single = await temporaryFolder();
  await writeTree(single, {
    'train/a/1.png': picture(1, 32, 32).png(),
    'test/a/1.png': picture(1, 32, 32).png(),
  });
  await rejectsPlainly(load(single), /one class only/);
});

test('a file that is no image, or damaged, is named', async () => {
  const root = await smallest();
  const refuses = async (name: string, content: Uint8Array | string, message: RegExp): Promise<void> => {
    await writeTree(root, { [name]: content });
    await rejectsPlainly(load(root), message);
    await rm(join(root, name));
  };
  await refuses(
    'train/b/2.png',
    '',
    /train.b.2\.png is no PNG, JPEG, WebP, BMP, TIFF, GIF or AVIF image; remove or replace it/,
  );
  await refuses('test/b/2.png', '<svg xmlns="http://www.w3.org/2000/svg"/>', /test.b.2\.png is no PNG/);
  const whole = await picture(6, 64, 64).jpeg().toBuffer();
  await refuses(
    'train/a/cut.jpg',
    whole.subarray(0, whole.length / 2),
    /train.a.cut\.jpg is damaged \(.+\); remove/,
  );
  const png = await picture(6, 64, 64).png().toBuffer();
  await refuses('train/a/cut.png', png.subarray(0, 40), /train.a.cut\.png is damaged/);
  await symlink(join(root, 'nowhere'), join(root, 'train/a/gone.png'));
  await rejectsPlainly(load(root), /cannot read .*gone\.png: ENOENT/);
  await rm(join(root, 'train/a/gone.png'));
  await symlink('circle.png', join(root, 'train/a/circle.png'));
  await rejectsPlainly(load(root), /cannot read .*circle\.png: ELOOP/);
});
