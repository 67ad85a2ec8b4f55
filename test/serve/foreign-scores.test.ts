import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import type { GraphBuilder } from '../../core/onnx/builder.ts';
import { int } from '../../core/onnx/graph.ts';
import { evaluateServer } from '../../serve/evaluate/evaluate-server.ts';
import { type RunningServer, startServer, startupText } from '../../serve/server.ts';
import { colorImages, modelFolder, redNet } from '../foreign/red-net.ts';

const { add } = modelFolder();
let server: RunningServer;
let red: Uint8Array<ArrayBuffer>;

before(async () => {
  const softmax = (b: GraphBuilder, x: string) => b.node('Softmax', [x], { axis: int(-1) });
  const weight = [[2], [0], [0]];
  const single = { mean: 0.5, std: 0.5, labels: ['red'] };
  server = await startServer({
    models: [
      add('sure', redNet(softmax, { scale: 80 })),
      add(
        'several',
        redNet((b, x) => b.node('Sigmoid', [x])),
      ),
      add(
        'single',
        redNet((b, x) => b.node('Sigmoid', [x]), { weight }),
        single,
      ),
      add(
        'baked',
        redNet((b, x) => b.node('Reshape', [x, b.int64([1, 3])])),
      ),
    ],
    port: 0,
    demoDirectory: false,
  });
  const image = sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } });
  red = new Uint8Array(await image.png().toBuffer());
});

after(() => server.close());

async function predict(model: string) {
  const headers = { 'content-type': 'image/png' };
  const answer = await fetch(`${server.url}/predict?model=${model}`, { method: 'POST', body: red, headers });
  return { status: answer.status, body: (await answer.json()) as Answer };
}

interface Answer {
  scores: string;
  predictions: { label: string; probability: number }[];
}

async function infer(model: string, outputs: object[]) {
  const data = [...colorImages([1, -1, -1])];
  const inputs = [{ name: 'input', shape: [1, 3, 8, 8], datatype: 'FP32', data }];
  const answer = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs, outputs }),
  });
  const body = (await answer.json()) as { outputs: { name: string; data: number[] }[] };
  return { status: answer.status, outputs: body.outputs };
}

const rounded = ({ predictions }: Answer) =>
  predictions.map(({ label, probability }) => [label, Number(probability.toFixed(4))]);

describe('/predict and /v2 of models of other programs', () => {
  it('exact zeros of a softmax are answered with finite scores', async () => {
    const { status, outputs } = await infer('sure', [{ name: 'logits' }, { name: 'probabilities' }]);
    assert.equal(status, 200);
    assert.ok(outputs.every(({ data }) => data.length === 3 && data.every(Number.isFinite)));
    assert.deepEqual(
      outputs[1]!.data.map((value) => Math.round(value * 1e30) / 1e30),
      [1, 0, 0],
    );
    assert.deepEqual(rounded((await predict('sure')).body)[0], ['red', 1]);
  });

  it('independent probabilities are not made to sum to 1, and are said to be such', async () => {
    const { body } = await predict('several');
    assert.equal(body.scores, 'independent');
    assert.deepEqual(rounded(body), [
      ['red', 0.8808],
      ['green', 0.1192],
      ['blue', 0.1192],
    ]);
    const { outputs } = await infer('several', [{ name: 'probabilities' }]);
    assert.deepEqual(
      outputs[0]!.data.map((value) => Number(value.toFixed(4))),
      [0.8808, 0.1192, 0.1192],
    );
    const described = (await (await fetch(`${server.url}/models/several`)).json()) as { scores: string };
    assert.equal(described.scores, 'independent');
    const dataset = { ...makeSynthetic({ test: 2, splits: ['test'] }), labels: ['red', 'green', 'blue'] };
    await assert.rejects(
      evaluateServer({ server: server.url, model: 'several', dataset }),
      /^UserError: the server's model gives every class a probability of its own.*top-1/,
    );
  });

  it('one score an image is that of two classes', async () => {
    const { body } = await predict('single');
    assert.equal(body.scores, 'exclusive');
    assert.deepEqual(rounded(body), [
      ['red', 0.8808],
      ['not red', 0.1192],
    ]);
  });

  it('a net with one image baked in answers all who ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => predict('baked')));
    for (const { status, body } of answers) {
      assert.equal(status, 200);
      assert.deepEqual(rounded(body)[0], ['red', 0.9647]);
    }
    assert.match(startupText(server), /^note {5}baked@1: it fails with 2 images at once .* image by image$/m);
    assert.doesNotMatch(startupText(server), /^note {5}(sure|several|single)/m);
  });
});
