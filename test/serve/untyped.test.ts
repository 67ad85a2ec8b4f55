import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

let server: RunningServer;

before(async () => {
  const { path } = await writeTestModel(await temporaryFolder());
  server = await startServer({
    model: path,
    port: 0,
    inference: { workers: 1, threads: 1 },
    demoDirectory: false,
  });
});
after(() => server.close());

/** By Node's own client, which adds no content type. */
function send(body: Uint8Array | string, headers: Record<string, string>, method = 'POST') {
  return new Promise<{ status: number; body: { predictions?: unknown[]; error?: string } }>(
    (resolve, reject) => {
      const asked = request(`${server.url}/predict`, { method, headers }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode!, body: JSON.parse(text) }));
      });
      asked.on('error', reject);
      asked.end(body);
    },
  );
}

test('a form with the name of a file and not the file is told how curl sends it', async () => {
  const body = `--x\r\ncontent-disposition: form-data; name="image"\r\n\r\ncat.jpg\r\n--x--\r\n`;
  const refused = await send(body, { 'content-type': `multipart/form-data; boundary=x` });
  assert.equal(refused.status, 400);
  assert.match(refused.body.error!, /^the field "image" holds text and no file; .* -F image=@FILE$/);
});

test('the bytes say what curl leaves open: --data-binary and -T', async () => {
  const png = await noisePng(1);
  const form = 'application/x-www-form-urlencoded';
  for (const headers of [
    { 'content-type': form },
    { 'content-type': `${form}; charset=UTF-8` },
    {},
    { 'transfer-encoding': 'chunked' },
  ] as Record<string, string>[]) {
    const { status, body } = await send(png, headers);
    assert.equal(status, 200, body.error);
    assert.equal(body.predictions!.length, 5);
    for (const other of ['image=1', 'hello', '\0\0\0\0']) {
      const refused = await send(other, headers);
      assert.equal(refused.status, 415);
      assert.match(
        refused.body.error!,
        /^the body is no image, and neither JSON nor a form \(content-type ".*"\)/,
      );
    }
  }
  // What curl -d makes of a JPEG.
  const jpeg = await sharp(await noisePng(1))
    .resize(200)
    .jpeg()
    .toBuffer();
  const stripped = await send(
    jpeg.filter((byte) => byte !== 10 && byte !== 13),
    { 'content-type': form },
  );
  assert.equal(stripped.status, 400);
  assert.match(stripped.body.error!, /has lost all bytes that end lines; .*--data-binary @FILE$/);
  const put = await send(png, {}, 'PUT');
  assert.deepEqual([put.status, put.body.error], [405, 'PUT is not allowed here; use POST']);
});

test('the bytes say what a body is, whatever the content type says', async () => {
  const png = await noisePng(1);
  const json = JSON.stringify({ image: Buffer.from(png).toString('base64') });
  const form = Buffer.concat([
    Buffer.from('--x1\r\nContent-Disposition: form-data; name="upload"; filename="a.png"\r\n\r\n'),
    png,
    Buffer.from('\r\n--x1--\r\n'),
  ]);
  const expected = (await send(png, { 'content-type': 'image/png' })).body.predictions;
  assert.equal(expected!.length, 5);
  for (const type of [
    'image/jpeg',
    'text/plain; charset=latin1',
    'application/json',
    'application/json; charset=utf-16',
    'multipart/form-data',
    'multipart/form-data; boundary=x1',
    'video/mp4',
    'application/octet-stream',
    'nonsense',
  ]) {
    const isOtherJson = type.includes('utf-16');
    for (const body of [png, ...(isOtherJson ? [] : [json, `\ufeff \n${json}`]), form]) {
      if (type === 'multipart/form-data; boundary=x1' && typeof body === 'string') continue;
      if (type === 'multipart/form-data' && typeof body === 'string') continue;
      const answer = await send(body, { 'content-type': type });
      assert.deepEqual(
        [answer.status, answer.body.predictions],
        [200, expected],
        `${type}: ${answer.body.error}`,
      );
    }
  }
});

test('a form has its images in any one field, or in several of ours', async () => {
  const png = await noisePng(1);
  const ask = async (...names: string[]) => {
    const form = new FormData();
    for (const name of names) form.append(name, new Blob([png]), 'a.png');
    const answer = await fetch(`${server.url}/predict`, { method: 'POST', body: form });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown[] & string> };
  };
  for (const name of ['image', 'file', 'photo', 'upload[0]', 'Bild']) {
    const { status, body } = await ask(name);
    assert.deepEqual([status, body.predictions?.length], [200, 5], name);
    assert.equal((await ask(name, name)).body.results?.length, 2);
  }
  for (const name of ['images', 'files']) assert.equal((await ask(name)).body.results?.length, 1);
  assert.equal((await ask('image', 'files', 'file')).body.results?.length, 3);
  const mixed = await ask('image', 'mask');
  assert.equal(mixed.status, 400);
  assert.match(
    mixed.body.error!,
    /^files in several fields \("image", "mask"\); send images in the field "image"$/,
  );
});
