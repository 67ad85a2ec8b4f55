/**
 * Classifies inside an Express app of one's own: npx tsx examples/05-express.ts [MODEL]
 * It answers POST /classify, here to itself. For limits, metrics and batching clients there is startServer().
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { Classifier, UserError } from '../index.ts';

const [model] = process.argv.slice(2);
const classifier = await Classifier.open(model);
const app = express();
app.post('/classify', express.raw({ type: 'image/*', limit: '10mb' }), async (request, response) => {
  try {
    response.json(await classifier.classify(request.body as Uint8Array, { topK: 1 }));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    response.status(422).json({ error: error.message });
  }
});
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

const pixel = 'R0lGODlhAQABAIAAAP8AAP8AACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==';
const answer = await fetch(`http://127.0.0.1:${port}/classify`, {
  method: 'POST',
  headers: { 'content-type': 'image/gif' },
  body: Buffer.from(pixel, 'base64'),
});
console.log(answer.status, JSON.stringify(await answer.json()));
server.close();
await classifier.close();
