import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { startServer } from '../../serve/server.ts';
import { launchChromium, SKIP_WITHOUT_CHROMIUM } from '../web-demo/chromium.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

describe('the page to try the API on', { skip: SKIP_WITHOUT_CHROMIUM }, () => {
  it('asks where the server is, behind a path prefix too', async () => {
    const { path } = await writeTestModel(await temporaryFolder());
    const server = await startServer({ model: path, port: 0, inference: { workers: 1, threads: 1 } });
    after(() => server.close());
    const { port } = new URL(server.url);
    /** A proxy that puts the server under a path, and has nothing else. */
    const proxy = createServer((req, res) => {
      if (!req.url!.startsWith('/deep/api/')) {
        res.writeHead(404).end();
        return;
      }
      const onward = request(
        { port, path: req.url!.slice('/deep/api'.length), method: req.method, headers: req.headers },
        (answer) => {
          res.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(res);
        },
      );
      req.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    after(() => void proxy.close());
    const { port: proxyPort } = proxy.address() as AddressInfo;
    const browser = await launchChromium();
    after(() => browser.close());
    for (const root of [`http://127.0.0.1:${proxyPort}/deep/api`, server.url]) {
      const page = await browser.newPage();
      await page.goto(`${root}/docs`);
      await page.click('#operations-models-listModels .opblock-summary-control');
      await page.click('#operations-models-listModels .try-out__btn');
      const [answer] = await Promise.all([
        page.waitForResponse((response) => new URL(response.url()).pathname.endsWith('/models')),
        page.click('#operations-models-listModels .execute'),
      ]);
      assert.deepEqual([answer.url(), answer.status()], [`${root}/models`, 200]);
      await page.close();
    }
  });
});
