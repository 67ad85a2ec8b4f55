import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import express from 'express';
import { httpsLines, ownNames, readTls } from '../../serve/http/https.ts';
import { startServer } from '../../serve/server.ts';
import { listen } from '../../web-demo/server/listen.ts';
import { isUserError } from '../ablation/is-user-error.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;
const folder = await temporaryFolder();

/** By Node's client, which trusts the given authority alone. */
function ask(url: string, ca: Buffer): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { ca }, (answer) => {
      let body = '';
      answer.on('data', (data) => {
        body += data;
      });
      answer.on('end', () => resolve({ status: answer.statusCode!, body }));
    }).on('error', reject);
  });
}

describe('https', { skip: HAS_OPENSSL ? false : 'there is no openssl' }, () => {
  const kept = join(folder, 'https');

  it('makes a certificate of all names of this machine, once, with a key that nobody else reads', async () => {
    const tls = (await readTls({ https: true }, kept))!;
    const certificate = new X509Certificate(tls.cert);
    const { names, addresses } = ownNames();
    assert.ok(names.includes('localhost') && addresses.includes('127.0.0.1'));
    for (const name of [...names, hostname().toLowerCase()]) assert.ok(certificate.checkHost(name), name);
    for (const address of addresses) assert.ok(certificate.checkIP(address), address);
    assert.equal((await stat(join(kept, 'key.pem'))).mode & 0o077, 0);
    assert.deepEqual((await readdir(kept)).sort(), ['cert.pem', 'key.pem']);
    const again = (await readTls({ https: true }, kept))!;
    assert.deepEqual(again.cert, tls.cert);
    await writeFile(join(kept, 'cert.pem'), 'half');
    const anew = (await readTls({ https: true }, kept))!;
    assert.notDeepEqual(anew.cert, tls.cert);
    assert.equal(anew.made, join(kept, 'cert.pem'));
  });

  it('serves predictions and the page by it, and says where', async () => {
    const tls = (await readTls({ https: true }, kept))!;
    const { path } = await writeTestModel(folder);
    const server = await startServer({
      model: path,
      port: 0,
      tls,
      inference: { workers: 1, threads: 1 },
      demoDirectory: false,
    });
    try {
      assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
      const { status } = await ask(`${server.url}/v2/health/ready`, tls.cert);
      assert.equal(status, 200);
      await assert.rejects(fetch(server.url), 'a client that was not told of it trusts it not');
    } finally {
      await server.close();
    }
    const app = express().get('/', (_req, res) => void res.send('page'));
    const page = await listen(app, 0, '0.0.0.0', tls);
    try {
      assert.match(page.url, /^https:\/\/localhost:\d+\/$/);
      assert.equal((await ask(page.url, tls.cert)).body, 'page');
      const lines = httpsLines(tls, page.url);
      assert.match(
        lines.at(-1)!,
        /^a browser warns of the certificate until it is told to trust .*cert\.pem$/,
      );
      assert.ok(lines.slice(0, -1).every((line) => /^https:\/\/\d+\.\d+\.\d+\.\d+:\d+\/$/.test(line)));
    } finally {
      page.server.close();
    }
  });

  it('takes a certificate and a key that are given, and refuses what goes not together', async () => {
    const files = { httpsCert: join(kept, 'cert.pem'), httpsKey: join(kept, 'key.pem') };
    const given = (await readTls({ https: false, ...files }))!;
    assert.deepEqual([given.cert, given.made], [await readFile(files.httpsCert), undefined]);
    assert.deepEqual(httpsLines(given, 'https://127.0.0.1:1/'), []);
    const other = join(folder, 'other');
    await readTls({ https: true }, other);
    for (const [options, message] of [
      [{ httpsCert: files.httpsCert }, /^--https-cert and --https-key go together/],
      [{ ...files, httpsKey: join(folder, 'none.pem') }, /^--https-key cannot be read: ENOENT/],
      [{ ...files, httpsKey: join(other, 'key.pem') }, /are no certificate and its key, as PEM/],
      [{ ...files, httpsCert: files.httpsKey }, /are no certificate and its key, as PEM/],
    ] as const)
      await assert.rejects(readTls({ https: true, ...options }), isUserError(message));
  });

  it('says how to mend it where none can be made', async () => {
    const { PATH } = process.env;
    process.env.PATH = '';
    try {
      await assert.rejects(
        readTls({ https: true }, join(folder, 'without')),
        isUserError(
          /^no certificate can be made: there is no openssl; install openssl, or give --https-cert/,
        ),
      );
    } finally {
      process.env.PATH = PATH;
    }
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(
      readTls({ https: true }, join(folder, 'file', 'https')),
      isUserError(/can be kept in/),
    );
  });
});

it('without https there is none', async () => assert.equal(await readTls({ https: false }), undefined));
