import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { Refusal } from '../../core/errors.ts';
import { decodeSmallPng } from '../../core/image/small-png.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import { decodeImage, decodeLarge } from '../../serve/image/decode.ts';
import { fromRgb, noise, noisePng } from './support/images.ts';

const options = { height: 32, width: 32, maxPixels: 1_000_000 };

const refuses = (bytes: Uint8Array, status: number, message: RegExp): Promise<void> =>
  assert.rejects(decodeImage(bytes, options), (error: unknown) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.status, status);
    assert.match(error.message, message);
    return true;
  });

test('lossless images of the model size arrive byte for byte', async () => {
  const pixels = noise(1);
  const image = fromRgb(pixels);
  for (const bytes of [
    await image.clone().png().toBuffer(),
    await image.clone().png({ compressionLevel: 0, adaptiveFiltering: true }).toBuffer(),
    await image.clone().webp({ lossless: true }).toBuffer(),
    await image.clone().ensureAlpha().png().toBuffer(),
  ]) {
    assert.deepEqual([...(await decodeImage(bytes, options))], [...pixels]);
  }
});

test('16 bits a channel become 8', async () => {
  const pixels = noise(1);
  const deep = Uint16Array.from(pixels, (v) => v * 257);
  const png = await sharp(deep, { raw: { width: 32, height: 32, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  assert.equal((await sharp(png).metadata()).depth, 'ushort');
  assert.deepEqual([...(await decodeImage(png, options))], [...pixels]);
});

test('greyscale and palette images become RGB', async () => {
  const grey = noise(2).subarray(0, 1024);
  const png = await sharp(grey, { raw: { width: 32, height: 32, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  assert.equal((await sharp(png).metadata()).channels, 1);
  assert.deepEqual(
    [...(await decodeImage(png, options))],
    [...grey].flatMap((v) => [v, v, v]),
  );
  const halves = new Uint8Array(32 * 32 * 3).map((_, i) => (i < 1536 ? 200 : 40));
  const palette = await fromRgb(halves).png({ palette: true }).toBuffer();
  assert.deepEqual([...(await decodeImage(palette, options))], [...halves]);
});

test('transparency is laid over white', async () => {
  const clear = await sharp({ create: { width: 32, height: 32, channels: 4, background: '#00000000' } })
    .png()
    .toBuffer();
  assert.ok((await decodeImage(clear, options)).every((v) => v === 255));
  const greyAlpha = await sharp({ create: { width: 64, height: 64, channels: 4, background: '#00000000' } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  assert.ok((await decodeImage(greyAlpha, options)).every((v) => v === 255));
});

test('CMYK JPEG becomes RGB', async () => {
  const jpeg = await sharp({ create: { width: 50, height: 40, channels: 3, background: '#e02010' } })
    .toColourspace('cmyk')
    .jpeg()
    .toBuffer();
  assert.equal((await sharp(jpeg).metadata()).space, 'cmyk');
  const [r, g, b] = await decodeImage(jpeg, options);
  assert.ok(r! > 180 && g! < 90 && b! < 90, `${r} ${g} ${b}`);
});

test('EXIF rotation is applied', async () => {
  // Stored lying down, red on the left; orientation 6 turns it clockwise, so red comes to the top.
  const pixels = new Uint8Array(32 * 32 * 3);
  for (let p = 0; p < 1024; p++) pixels[p * 3 + (p % 32 < 16 ? 0 : 2)] = 255;
  const jpeg = await fromRgb(pixels).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
  const decoded = await decodeImage(jpeg, options);
  const redAt = (x: number, y: number): boolean => decoded[(y * 32 + x) * 3]! > 128;
  assert.deepEqual([redAt(3, 3), redAt(28, 3), redAt(3, 28), redAt(28, 28)], [true, true, false, false]);
});

test('other sizes are cropped to the centre and resized', async () => {
  // Three squares side by side; only the middle one is seen.
  const wide = await sharp({ create: { width: 300, height: 100, channels: 3, background: '#ff0000' } })
    .composite([
      {
        input: { create: { width: 100, height: 100, channels: 3, background: '#00ff00' } },
        left: 100,
        top: 0,
      },
    ])
    .png()
    .toBuffer();
  const decoded = await decodeImage(wide, options);
  assert.equal(decoded.length, 32 * 32 * 3);
  assert.deepEqual([...decoded.subarray(16 * 96 + 48, 16 * 96 + 51)], [0, 255, 0]);
  for (const [width, height] of [
    [1, 1],
    [1, 500],
    [33, 31],
  ] as const) {
    assert.equal((await decodeImage(await noisePng(3, width, height), options)).length, 3072);
  }
});

test('resizing agrees with the resize of core/preprocess', async () => {
  const [width, height] = [321, 200];
  const smooth = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 128 + 60 * Math.sin(x / 15 + (i % 3)) + 60 * Math.cos(y / 21 + x / 40);
  });
  const want = prepareImage({ data: smooth, width, height, channels: 3 }, { width: 32, height: 32 }).data;
  const png = await fromRgb(smooth, width, height).png().toBuffer();
  const decoded = await decodeImage(png, options);
  assert.deepEqual([...decoded], [...want]);
});

test('the crop follows the EXIF rotation', async () => {
  // Stored 100 wide and 300 high with the middle third green, to be shown turned.
  const jpeg = await sharp({ create: { width: 100, height: 300, channels: 3, background: '#ff0000' } })
    .composite([
      {
        input: { create: { width: 100, height: 100, channels: 3, background: '#00ff00' } },
        left: 0,
        top: 100,
      },
    ])
    .jpeg()
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const decoded = await decodeImage(jpeg, options);
  const centre = decoded.subarray(16 * 96 + 48, 16 * 96 + 51);
  assert.ok(centre[0]! < 20 && centre[1]! > 235, `${centre}`);
  const corner = decoded.subarray(2 * 96 + 6, 2 * 96 + 9);
  assert.ok(corner[1]! > 200, `${corner}`);
});

test('JPEG, GIF and AVIF are read', async () => {
  const image = sharp({ create: { width: 32, height: 32, channels: 3, background: '#406080' } });
  for (const bytes of [
    await image.clone().jpeg({ quality: 100 }).toBuffer(),
    await image.clone().gif().toBuffer(),
    await image.clone().avif({ lossless: true, effort: 0 }).toBuffer(),
  ]) {
    const [r, g, b] = await decodeImage(bytes, options);
    assert.ok(
      Math.abs(r! - 0x40) < 6 && Math.abs(g! - 0x60) < 6 && Math.abs(b! - 0x80) < 6,
      `${r} ${g} ${b}`,
    );
  }
});

test('what is not an image is refused', async () => {
  await refuses(new Uint8Array(0), 400, /empty/);
  await refuses(new TextEncoder().encode('hello'), 415, /PNG, JPEG/);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"/>';
  await refuses(new TextEncoder().encode(svg), 415, /PNG, JPEG/);
  await refuses(await fromRgb(noise(1)).tiff().toBuffer(), 415, /PNG, JPEG/);
});

test('damaged images are refused', async () => {
  const png = await noisePng(4);
  for (const length of [8, 20, 100, png.length - 200])
    await refuses(png.subarray(0, length), 422, /PNG.*damaged/);
  const jpeg = await fromRgb(noise(4, 200, 200), 200, 200)
    .jpeg()
    .toBuffer();
  await refuses(jpeg.subarray(0, jpeg.length / 2), 422, /JPEG.*damaged/);
  const flipped = png.slice();
  flipped.fill(0x55, 60, 400);
  await refuses(flipped, 422, /damaged/);
});

test('too many pixels are refused before they are decoded', async () => {
  await refuses(
    await sharp({ create: { width: 2000, height: 1000, channels: 3, background: 'red' } })
      .png()
      .toBuffer(),
    413,
    /more than 1 megapixels/,
  );
  const avif = (width: number): Promise<Buffer> =>
    sharp({ create: { width, height: 500, channels: 3, background: 'red' } })
      .avif({ effort: 0 })
      .toBuffer();
  await decodeImage(await avif(500), options);
  await refuses(await avif(502), 413, /^the AVIF image has more than 0.25 megapixels; send a smaller one$/);
});

test('small PNGs take a short way to the same pixels', async () => {
  const rgba = Uint8Array.from({ length: 32 * 32 * 4 }, (_, i) => (i * 7919) % 256);
  const raw = { width: 32, height: 32, channels: 4 } as const;
  // A picture with slopes, for which the encoder chooses among all five filters.
  const slopes = Uint8Array.from(
    { length: 3 * 48 * 40 },
    (_, i) => (i % 144) + Math.floor(i / 144) * 3 + (i % 7),
  );
  const files = [
    await fromRgb(noise(5)).png().toBuffer(),
    await fromRgb(slopes, 48, 40).png({ adaptiveFiltering: true }).toBuffer(),
    await fromRgb(slopes, 48, 40).png({ adaptiveFiltering: false }).toBuffer(),
    await sharp(rgba, { raw }).png({ adaptiveFiltering: true }).toBuffer(),
  ];
  for (const file of files) {
    const short = decodeSmallPng(file);
    assert.ok(short);
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([short.width, short.height, short.channels], [info.width, info.height, info.channels]);
    assert.deepEqual(Buffer.from(short.data), data);
  }
});

test('every PNG filter is undone', () => {
  const filters = [0, 1, 2, 3, 4];
  const want = noise(6, 9, filters.length);
  const row = 27;
  const at = (x: number, y: number): number => (x < 0 || y < 0 ? 0 : want[y * row + x]!);
  const lines = filters.map((filter, y) =>
    Uint8Array.from({ length: row + 1 }, (_, i) => {
      if (i === 0) return filter;
      const x = i - 1;
      const [a, b, c] = [at(x - 3, y), at(x, y - 1), at(x - 3, y - 1)];
      const nearest = [a, b, c].reduce((best, v) =>
        Math.abs(a + b - c - v) < Math.abs(a + b - c - best) ? v : best,
      );
      return at(x, y) - [0, a, b, Math.floor((a + b) / 2), nearest][filter]!;
    }),
  );
  const decoded = decodeSmallPng(pngOf(9, filters.length, Buffer.concat(lines)));
  assert.deepEqual([...decoded!.data], [...want]);
});

test('other and damaged small PNGs are left to the general decoder', async () => {
  const good = await noisePng(7);
  assert.ok(decodeSmallPng(good));
  for (let at = 8; at < good.length; at += 41) {
    const bad = good.slice();
    bad[at]! ^= 0x10;
    assert.equal(decodeSmallPng(bad), undefined, `byte ${at}`);
  }
  for (const length of [8, 40, 57, good.length - 13, good.length - 1]) {
    assert.equal(decodeSmallPng(good.subarray(0, length)), undefined);
  }
  // More and less data than the head says; a filter that there is not.
  for (const [height, lines] of [
    [1, [0, 0]],
    [2, [0]],
    [1, [5]],
  ] as const) {
    const data = Buffer.concat(lines.map((filter) => Buffer.from([filter, ...new Array(27).fill(1)])));
    assert.equal(decodeSmallPng(pngOf(9, height, data)), undefined);
  }
  const image = fromRgb(noise(8, 65, 65), 65, 65);
  for (const other of [
    image.clone(),
    fromRgb(noise(8)).png({ palette: true }),
    fromRgb(noise(8)).toColourspace('b-w'),
  ]) {
    assert.equal(decodeSmallPng(await other.png().toBuffer()), undefined);
  }
  assert.equal(decodeSmallPng(await fromRgb(noise(8)).png({ progressive: true }).toBuffer()), undefined);
  assert.equal(decodeSmallPng(await fromRgb(noise(8)).withMetadata().png().toBuffer()), undefined);
});

test('large images are decoded beside, to the same pixels', async () => {
  const large = await noisePng(9, 400, 300);
  assert.deepEqual(
    await decodeImage(large, options),
    (await decodeLarge({ bytes: large, options, pixelsLeft: 1e9, seconds: 60 })).image,
  );
  await refuses(large.subarray(0, large.length / 2), 422, /damaged/);
});

/** A PNG of unfiltered rows of RGB as they are given, filter bytes included. */
function pngOf(width: number, height: number, rows: Uint8Array): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(data.length);
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const tail = Buffer.alloc(4);
    tail.writeUInt32BE(crc32(body));
    return Buffer.concat([head, body, tail]);
  };
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(width, 0);
  ihdr.writeUInt32BE(height, 4);
  ihdr.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunk('IHDR', ihdr),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
