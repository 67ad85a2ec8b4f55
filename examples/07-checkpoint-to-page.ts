/**
 * A PyTorch checkpoint of torchvision's to a page that classifies in the browser:
 * npx tsx examples/07-checkpoint-to-page.ts resnet18.pth labels.txt
 * Of the checkout `npm run build` makes what the page imports; who has the package has it.
 */
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { exportModel } from '../index.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const [checkpoint = 'resnet18.pth', labels, built = here('../dist')] = process.argv.slice(2);
const { file, bytes } = await exportModel({
  weights: checkpoint,
  ...(labels && { labels }),
  out: 'exports/page.onnx',
});
console.log(`${file}: ${(bytes / 1e6).toFixed(2)} MB`);

const app = express();
app.get('/', (_request, response) => response.sendFile(here('page.html')));
app.get('/model.onnx', (_request, response) => response.sendFile(resolve(file)));
app.use('/onnx-classifier', express.static(built));
app.use(
  '/onnxruntime-web',
  express.static(dirname(createRequire(import.meta.url).resolve('onnxruntime-web'))),
);
export const server = app.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
