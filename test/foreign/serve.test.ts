import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startServer } from '../../serve/server.ts';
import { EXPECTED, FIXTURES, foreignFolder } from './support.ts';

const folder = foreignFolder();

/** The five likeliest classes, as PyTorch ranks them. */
const TOP5 = EXPECTED.probabilities
  .map((probability, index) => ({ index, label: EXPECTED.labels[index]!, probability }))
  .sort((a, b) => b.probability - a.probability)
  .slice(0, 5);

for (const [name, preprocessing] of [
  ['dynamo', undefined],
  ['legacy-one', join(folder, 'legacy.json')],
] as const) {
  test(`/predict gives PyTorch's top 5: ${name}.onnx`, async () => {
    const server = await startServer({
      models: [join(folder, `${name}.onnx`)],
      preprocessing,
      port: 0,
      demoDirectory: false,
    });
    after(() => server.close());
    const body = readFileSync(join(FIXTURES, 'picture.png'));
    const answer = await fetch(`${server.url}/predict`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'image/png' },
    });
    const { model, predictions } = (await answer.json()) as { model: string; predictions: typeof TOP5 };
    assert.equal(model, name);
    assert.deepEqual(
      predictions.map(({ label }) => label),
      TOP5.map(({ label }) => label),
    );
    for (const [i, { probability }] of TOP5.entries()) {
      assert.ok(Math.abs(predictions[i]!.probability - probability) < 1e-6);
    }
  });
}
