import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Checksum, parseChecksum } from '../../core/data/checksum.ts';
import { type DownloadOptions, downloadFile } from '../../core/data/download.ts';
import { UserError } from '../../core/errors.ts';
import { Random } from '../../core/random.ts';
import { startRangeServer } from './range-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

const random = new Random(1);
const body = Buffer.from(Uint8Array.from({ length: 300_000 }, () => random.integer(256)));
const checksum: Checksum = { algorithm: 'md5', hex: createHash('md5').update(body).digest('hex') };

/** A server, an empty folder, and a download from the one into the other. */
async function scene(): Promise<{
  server: Awaited<ReturnType<typeof startRangeServer>>;
  folder: string;
  path: string;
  download: (options?: Partial<DownloadOptions>) => Promise<void>;
}> {
  const server = await startRangeServer(body);
  const folder = await temporaryFolder();
  const path = join(folder, 'a.tar.gz');
  const download = (options: Partial<DownloadOptions> = {}): Promise<void> =>
    downloadFile({ url: server.url, path, checksum, retries: 0, retryDelayMs: 1, ...options });
  return { server, folder, path, download };
}

async function isUserError(promise: Promise<void>, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n'));
    return true;
  });
}

test('a whole download, with progress up to the total', async () => {
  const { folder, path, download } = await scene();
  const seen: [number, number][] = [];
  await download({ onProgress: (done, total) => seen.push([done, total]) });
  assert.deepEqual(await readFile(path), body);
  assert.deepEqual(await readdir(folder), ['a.tar.gz']);
  assert.deepEqual(seen[0], [0, body.length]);
  assert.deepEqual(seen.at(-1), [body.length, body.length]);
});

test('a broken transfer keeps what came, and the next run asks for the rest', async () => {
  const { server, folder, path, download } = await scene();
  server.cutNextAfter = 100_000;
  await isUserError(download(), /broke off after 100000 bytes .*run again/);
  assert.deepEqual(await readdir(folder), ['a.tar.gz.part']);
  const seen: number[] = [];
  await download({ onProgress: (done) => seen.push(done) });
  assert.deepEqual(server.ranges, [undefined, 'bytes=100000-']);
  assert.equal(seen[0], 100_000);
  assert.deepEqual(await readFile(path), body);
});

test('a broken transfer is taken up again within the same run', async () => {
  const { server, path, download } = await scene();
  server.cutNextAfter = 50_000;
  await download({ retries: 1 });
  assert.deepEqual(server.ranges, [undefined, 'bytes=50000-']);
  assert.deepEqual(await readFile(path), body);
});

test('a server without Range support sends everything again', async () => {
  const { server, path, download } = await scene();
  await writeFile(`${path}.part`, body.subarray(0, 777));
  server.honourRange = false;
  await download();
  assert.deepEqual(server.ranges, ['bytes=777-']);
  assert.deepEqual(await readFile(path), body);
});

test('a .part file that is already complete is verified and used', async () => {
  const { path, download } = await scene();
  await writeFile(`${path}.part`, body);
  await download();
  assert.deepEqual(await readFile(path), body);
});

test('a .part file longer than the file is started over', async () => {
  const { server, path, download } = await scene();
  await writeFile(`${path}.part`, Buffer.concat([body, body]));
  await download({ retries: 1 });
  assert.deepEqual(server.ranges, [`bytes=${2 * body.length}-`, undefined]);
  assert.deepEqual(await readFile(path), body);
});

test('a wrong checksum removes the download', async () => {
  const { server, folder, download } = await scene();
  server.body = Buffer.concat([body, Buffer.from('!')]);
  await isUserError(download(), /not the expected file: md5 of its 300001 bytes is [0-9a-f]{32}, not/);
  assert.deepEqual(await readdir(folder), []);
});

test('404 and an unreachable server leave nothing behind', async () => {
  const { server, folder, download } = await scene();
  await isUserError(download({ url: server.url.replace('archive', 'other') }), /answers 404/);
  // Port 9 (discard) of the local machine: refused at once.
  await isUserError(download({ url: 'http://127.0.0.1:9/archive.tar.gz' }), /cannot reach/);
  assert.deepEqual(await readdir(folder), []);
});

test('a server that stops sending is given up', async (t) => {
  const { createServer } = await import('node:http');
  const silent = createServer((_, response) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, 10));
  });
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  const { download } = await scene();
  const { port } = silent.address() as { port: number };
  t.after(() => {
    silent.closeAllConnections();
    silent.close();
  });
  await isUserError(
    download({ url: `http://127.0.0.1:${port}/`, stallMs: 1000 }),
    /after 10 bytes .*no data for 1 s/,
  );
});

test('checksums are checked for form', () => {
  assert.equal(parseChecksum('md5', ` ${checksum.hex.toUpperCase()} `).hex, checksum.hex);
  assert.throws(() => parseChecksum('sha256', checksum.hex), /--sha256 takes 64 hexadecimal digits/);
});
