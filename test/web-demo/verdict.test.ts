import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import { compareWithTrainer } from '../../web-demo/page/views/test-set-view.ts';

const accuracy = (top1Correct: number, top5Correct: number, images = 10_000): ModelAccuracy => ({
  top1: top1Correct / images,
  top5: top5Correct / images,
  loss: 1,
  images,
  top1Correct,
  top5Correct,
});

it("compares a run with the trainer's numbers only when both counted as many", () => {
  const trained = accuracy(6842, 9012);
  assert.match(compareWithTrainer(accuracy(6842, 9012), undefined), /no accuracy of its own/);
  assert.equal(
    compareWithTrainer(accuracy(340, 450, 500), trained),
    'The trainer counted 10,000; run as many to compare.',
  );
  assert.equal(compareWithTrainer(accuracy(6842, 9012), trained), 'Exactly what the trainer measured.');
  assert.equal(
    compareWithTrainer(accuracy(6841, 9012), trained),
    'The trainer measured 6,842 and 9,012: the same but for rounding.',
  );
  assert.match(
    compareWithTrainer(accuracy(100, 500), trained),
    /^The trainer measured 6,842 and 9,012; is this the data set/,
  );
  // What a model states is of its float32 weights, of which an export in 8 bits loses a little.
  assert.equal(
    compareWithTrainer(accuracy(6801, 8999), trained, 'int8'),
    'The trainer measured 6,842 and 9,012 in float32, before the model was written in int8.',
  );
  assert.match(compareWithTrainer(accuracy(6801, 8999), trained), /is this the data set/);
  assert.match(compareWithTrainer(accuracy(6701, 8999), trained, 'int8'), /is this the data set/);
});
