import assert from 'node:assert/strict';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Refusal } from '../../core/errors.ts';
import { type FetchImageOptions, imageFetcher, isPublicAddress } from '../../serve/http/fetch-image.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const PNG = await noisePng(1);
/** Names, and what they are said to mean; 127.0.0.1 is taken for public where a test says so. */
const NAMES: Record<string, string[]> = {
  'pictures.test': ['127.0.0.1'],
  'inside.test': ['10.0.0.7'],
  'both.test': ['127.0.0.1', '192.168.1.1'],
  'mapped.test': ['::ffff:127.0.0.1'],
};
const asked: string[] = [];
let connections = 0;

const web = createServer((req, res) => {
  connections++;
  const { pathname, searchParams } = new URL(req.url!, 'http://x');
  asked.push(pathname);
  if (pathname === '/a.png') res.end(PNG);
  else if (pathname === '/to') res.writeHead(302, { location: searchParams.get('at')! }).end();
  else if (pathname === '/round') res.writeHead(307, { location: '/round' }).end();
  else if (pathname === '/slow') res.write(PNG.subarray(0, 9));
  else if (pathname === '/large') res.end(Buffer.alloc(300_000));
  else if (pathname === '/short') {
    res.writeHead(200, { 'content-length': 100 });
    res.write('x', () => res.destroy());
  } else res.writeHead(404).end();
});
let port = 0;
let server: RunningServer;

const lookup = ((
  name: string,
  _options: LookupOptions,
  done: (e: Error | null, a: LookupAddress[]) => void,
) => {
  const found = NAMES[name] ?? [];
  const addresses = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  done(addresses.length > 0 ? null : new Error('ENOTFOUND'), addresses);
}) as unknown as NonNullable<FetchImageOptions['lookup']>;
const isPublic = (address: string) => address === '127.0.0.1';
const fetchImage = imageFetcher({ lookup, isPublic, seconds: 0.5, maxBytes: 200_000 });

before(async () => {
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  port = (web.address() as AddressInfo).port;
  const { path } = await writeTestModel(await temporaryFolder());
  server = await startServer({
    model: path,
    port: 0,
    inference: { workers: 1, threads: 1 },
    demoDirectory: false,
    imageUrls: { lookup, isPublic },
  });
});
after(async () => {
  web.closeAllConnections();
  web.close();
  await server.close();
});

const at = (path: string, host = 'pictures.test') => `http://${host}:${port}${path}`;

async function refuses(url: string, status: number, message: RegExp, fetcher = fetchImage): Promise<void> {
  await assert.rejects(fetcher(url), (error) => {
    assert.ok(error instanceof Refusal, String(error));
    assert.match(error.message, message);
    assert.equal(error.status, status, url);
    return true;
  });
}

describe('addresses of the public internet', () => {
  it('are told from all others, in every form', () => {
    for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '64:ff9b::808:808'])
      assert.ok(isPublicAddress(address), address);
    for (const address of [
      ...[
        '127.0.0.1',
        '127.255.255.254',
        '0.0.0.0',
        '10.1.2.3',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.0.1',
      ],
      ...[
        '169.254.169.254',
        '100.64.0.1',
        '192.0.0.1',
        '198.18.0.1',
        '224.0.0.1',
        '255.255.255.255',
        '203.0.113.5',
      ],
      ...[
        '::1',
        '::',
        'fe80::1',
        'fe80::1%eth0',
        'fc00::1',
        'fd12:3456::1',
        'ff02::1',
        '2001:db8::1',
        '2001::1',
      ],
      ...[
        '::ffff:127.0.0.1',
        '::ffff:8.8.8.8',
        '::ffff:7f00:1',
        '::7f00:1',
        '2002:7f00:1::',
        'fec0::1',
        '3fff::1',
      ],
      ...[
        '64:ff9b::7f00:1',
        '64:ff9b::10.0.0.1',
        '64:ff9b::a9fe:a9fe',
        '64:ff9b:1::808:808',
        'localhost',
        '',
        '127.1',
      ],
    ])
      assert.ok(!isPublicAddress(address), address);
  });

  it('are the only ones that are asked: no literal, name or redirect leads elsewhere', async () => {
    const guarded = imageFetcher({ lookup });
    const before = connections;
    for (const host of [
      ...[
        '127.0.0.1',
        '127.1',
        '0x7f.0.0.1',
        '0177.0.0.1',
        '2130706433',
        '0',
        '[::1]',
        '[::]',
        '[::ffff:127.0.0.1]',
      ],
      ...[
        '[0:0:0:0:0:ffff:7f00:1]',
        '[64:ff9b::127.0.0.1]',
        '169.254.169.254',
        '10.0.0.1',
        '%31%32%37.0.0.1',
      ],
      ...['pictures.test', 'inside.test', 'mapped.test', 'none.test'],
    ])
      await refuses(
        `http://${host}:${port}/a.png`,
        422,
        /^there is no public host ".*" to fetch the image from$/,
        guarded,
      );
    assert.equal(connections, before);
    // One of a name's addresses is enough, and one that redirects is asked, but not what it leads to.
    await refuses(at('/a.png', 'both.test'), 422, /no public host/);
    for (const to of [
      'http://10.0.0.1/a.png',
      'http://[::1]/a.png',
      'http://inside.test/a.png',
      '//192.168.1.1/x',
    ])
      await refuses(at(`/to?at=${encodeURIComponent(to)}`), 422, /no public host/);
    await refuses(at(`/to?at=${encodeURIComponent('file:///etc/hostname')}`), 400, /http or https/);
  });

  it('are http or https, without a user name', async () => {
    for (const url of [
      'file:///etc/hostname',
      'ftp://pictures.test/a',
      'data:image/png;base64,AA==',
      'a.png',
      '',
    ])
      await refuses(url, 400, /http or https/);
    await refuses(`http://me:secret@pictures.test:${port}/a.png`, 400, /without a user name/);
    await refuses(`${at('/a.png')}?${'x'.repeat(3000)}`, 400, /http or https/);
  });
});

describe('what is fetched', () => {
  it('is the image, after redirects too', async () => {
    assert.deepEqual(new Uint8Array(await fetchImage(at('/a.png'))), new Uint8Array(PNG));
    assert.deepEqual(new Uint8Array(await fetchImage(at('/to?at=/a.png'))), new Uint8Array(PNG));
  });

  it('is bounded in size, time, redirects and number', async () => {
    await refuses(at('/large'), 413, /too large/);
    await refuses(at('/slow'), 422, /did not arrive within 0.5 s/);
    asked.length = 0;
    await refuses(at('/round'), 422, /redirects too often/);
    assert.equal(asked.length, 6);
    await refuses(at('/none'), 422, /answered 404/);
    await refuses(at('/short'), 422, /cannot be fetched|ended early/);
    await refuses('http://pictures.test:1/a.png', 422, /cannot be fetched: ECONNREFUSED/);
    const one = imageFetcher({ lookup, isPublic, concurrent: 1 });
    const first = one(at('/a.png'));
    await refuses(at('/a.png'), 503, /too many images are being fetched/, one);
    await first;
    await one(at('/a.png'));
  });
});

describe('POST /predict with addresses', () => {
  const ask = async (body: unknown, type = 'application/json') => {
    const answer = await fetch(`${server.url}/predict`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': type },
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };

  it('answers as for the images themselves', async () => {
    const sent = await fetch(`${server.url}/predict`, { method: 'POST', body: PNG });
    const { predictions } = (await sent.json()) as { predictions: unknown };
    const { status, body } = await ask({ url: at('/a.png') });
    assert.deepEqual([status, body.predictions], [200, predictions]);
    const urls = [at('/a.png'), at('/none'), at('/large'), 'http://127.0.0.2/a.png', at('/a.png')];
    // Large JSON is read in a thread.
    for (const more of [[], Array.from({ length: 20 }, (_, i) => `file:///${'x'.repeat(4000)}${i}`)]) {
      const { body } = await ask({ urls: [...urls, ...more] });
      const results = body.results as { predictions?: unknown; error?: string }[];
      assert.equal(results.length, urls.length + more.length);
      assert.deepEqual([results[0], results[4]], [{ predictions }, { predictions }]);
      assert.match(results[1]!.error!, /answered 404/);
      assert.match(results[2]!.error!, /supported format/);
      assert.match(results[3]!.error!, /no public host/);
    }
  });

  it('refuses one alone with its status, many, and what a page of another origin may send', async () => {
    const { status, body } = await ask({ url: 'http://[::1]/a.png' });
    assert.deepEqual(
      [status, body],
      [422, { error: 'there is no public host "::1" to fetch the image from' }],
    );
    assert.equal((await ask({ urls: Array(257).fill(at('/a.png')) })).status, 413);
    assert.equal((await ask({ urls: [] })).status, 400);
    assert.equal((await ask({ url: at('/a.png'), image: 'x' })).status, 400);
    asked.length = 0;
    assert.equal((await ask({ url: at('/a.png') }, 'text/plain')).status, 415);
    assert.deepEqual(asked, []);
  });
});
