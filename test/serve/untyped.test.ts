import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
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
    for (const other of ['image=1', '{"image":"aGFsbG8="}', 'hello']) {
      const refused = await send(other, headers);
      assert.equal(refused.status, 415);
      assert.match(refused.body.error!, /unsupported content-type ".*" for what is no image; send JSON as/);
    }
  }
  const put = await send(png, {}, 'PUT');
  assert.deepEqual([put.status, put.body.error], [405, 'PUT is not allowed here; use POST']);
});
