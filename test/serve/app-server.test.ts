import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import express from 'express';
import { createAppServer } from '../../serve/http/http-server.ts';

test("requests and responses are made with the app's prototypes, which Express need not change", async (t) => {
  const app = express();
  app.post('/echo', express.json(), (req, res) => {
    res.status(201).json({ sent: req.body as unknown, type: req.get('content-type'), app: req.app === app });
  });
  const server = createAppServer(app, {}, () => false);
  t.after(() => server.close());
  let made: object[] = [];
  // Before Express sees them.
  server.prependListener('request', (req, res) => {
    made = [Object.getPrototypeOf(req), Object.getPrototypeOf(res)];
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/echo`, {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.json(), { sent: { a: 1 }, type: 'application/json', app: true });
  assert.ok(made[0] === app.request && made[1] === app.response);
});
