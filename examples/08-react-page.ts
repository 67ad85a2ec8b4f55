/**
 * A page with React that classifies in the browser, built by Vite: npx tsx examples/08-react-page.ts [MODEL.onnx]
 * Of it an app of one's own takes react/main.tsx, and from npm react, react-dom, onnx-classifier and onnxruntime-web.
 */
import { copyFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { build } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const [model = here('../models/resnet14t.onnx')] = process.argv.slice(2);
const outDir = resolve('exports/react-page');
await build({
  root: here('react'),
  configFile: false,
  base: './',
  logLevel: 'error',
  // Of the checkout; an app that has installed the package needs no alias.
  resolve: { alias: { 'onnx-classifier/web': here('../web.ts') } },
  build: { outDir, emptyOutDir: true, target: 'es2022' },
});
await copyFile(model, resolve(outDir, 'model.onnx'));

const app = express();
app.use(express.static(outDir)); // Any static server does.
export const server = app.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
