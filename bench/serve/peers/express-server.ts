/** What a first version of a server looks like: Express, sharp, and `session.run` where the request is answered. */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';

const [path, meanText, stdText] = process.argv.slice(2);
const mean: number[] = JSON.parse(meanText!);
const std: number[] = JSON.parse(stdText!);
const session = await InferenceSession.create(new Uint8Array(await readFile(path!)), { logSeverityLevel: 3 });

const app = express();
app.post('/predict', express.raw({ type: () => true, limit: '10mb' }), async (req, res) => {
  const { data, info } = await sharp(req.body).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const pixels = info.width * info.height;
  const input = new Float32Array(3 * pixels);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < 3; c++) input[c * pixels + p] = (data[p * 3 + c]! / 255 - mean[c]!) / std[c]!;
  }
  const feed = new Tensor('float32', input, [1, 3, info.height, info.width]);
  const { logits } = await session.run({ input: feed });
  const scores = Array.from(logits!.data as Float32Array);
  const best = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  res.json({ predictions: best.slice(0, 5).map((index) => ({ index, score: scores[index] })) });
});
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
