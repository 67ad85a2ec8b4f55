import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { decompressionBomb } from '../../bench/serve/hostile-requests.ts';
import { pngFile } from '../../bench/serve/png-file.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { fromRgb, noise } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

let server: RunningServer;

before(async () => {
  const { path } = await writeTestModel(await temporaryFolder());
  server = await startServer({ model: path, port: 0, inference: { threads: 1 }, demoDirectory: false });
});

after(() => server.close());

async function post(
  body: Uint8Array,
  headers: Record<string, string> = { 'content-type': 'image/png' },
): Promise<[status: number, error: string]> {
  const response = await fetch(`${server.url}/predict`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers,
  });
  return [response.status, ((await response.json()) as { error?: string }).error ?? ''];
}

test('bombs are refused by what they say, before they are unpacked', async () => {
  const before = process.memoryUsage().rss;
  const [status, error] = await post(decompressionBomb());
  assert.deepEqual([status, error], [413, 'the image has more than 50 megapixels; send a smaller one']);
  // Says it is small, but unpacks to 100 MB.
  const [lied] = await post(pngFile(32, 32, deflateSync(Buffer.alloc(100_000_000))));
  assert.ok(lied === 200 || lied === 422, `${lied}`);
  const gif = Buffer.from(
    'GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02',
    'latin1',
  );
  assert.equal((await post(gif))[0] >= 400, true);
  const zipped = gzipSync(Buffer.alloc(100_000_000));
  for (const encoding of ['gzip', 'zip', 'br, gzip']) {
    const headers = { 'content-type': 'image/png', 'content-encoding': encoding };
    assert.deepEqual(await post(zipped, headers), [
      415,
      'compressed bodies are not taken; send it without a content-encoding',
    ]);
  }
  const identity = { 'content-type': 'image/png', 'content-encoding': 'identity' };
  assert.equal((await post(await fromRgb(noise(1)).png().toBuffer(), identity))[0], 200);
  assert.ok(process.memoryUsage().rss - before < 400e6, 'nothing was unpacked whole');
});

test('of an animation the first picture is classified', async () => {
  const frames = Buffer.concat([noise(1), noise(2)]);
  const animated = { raw: { width: 32, height: 64, channels: 3 as const, pageHeight: 32 } };
  const webp = await sharp(frames, animated).webp({ lossless: true, loop: 0 }).toBuffer();
  assert.equal((await sharp(webp).metadata()).pages, 2);
  const ask = async (body: Uint8Array): Promise<unknown> => {
    const response = await fetch(`${server.url}/predict`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': 'image/webp' },
    });
    return ((await response.json()) as { predictions: { index: number }[] }).predictions.map(
      ({ index }) => index,
    );
  };
  assert.deepEqual(await ask(webp), await ask(await fromRgb(noise(1)).png().toBuffer()));
  const gif = await sharp(frames, animated).gif().toBuffer();
  assert.equal((await post(gif))[0], 200);
});

test('images of every kind are classified through the server', async () => {
  const image = sharp({ create: { width: 70, height: 50, channels: 3, background: '#3060c0' } });
  const files = [
    await image.clone().toColourspace('cmyk').jpeg().toBuffer(),
    await image.clone().toColourspace('rgb16').png().toBuffer(),
    await image.clone().jpeg().withMetadata({ orientation: 8 }).toBuffer(),
    await image.clone().greyscale().png().toBuffer(),
    await image.clone().ensureAlpha(0.5).webp().toBuffer(),
    await image.clone().avif({ effort: 0 }).toBuffer(),
  ];
  for (const file of files) assert.deepEqual(await post(file), [200, '']);
});
