import assert from 'node:assert/strict';
import { it } from 'node:test';
import { clearKinks } from './support/clear-kinks.ts';
import { checkAgreement, GENERATED } from './support/cross-check.ts';
import { batchOf, calmResiduals, type NetCase, netOf } from './support/net-case.ts';
import { SKIP_WITHOUT_TENSORFLOW as skip } from './support/tensorflow.ts';

/** Rates so small that the second step's inputs of ReLU are where the first weights put them, within the margin. */
const RESNET50: NetCase = {
  ...GENERATED,
  batch: 8,
  model: 'resnet50',
  imageSize: 8,
  learningRates: [0.001, 0.0006],
};

it('tfjs agrees with ort on a net of bottlenecks, resnet50', { skip }, async (t) => {
  const model = netOf(RESNET50);
  calmResiduals(model);
  const batches = RESNET50.learningRates.map((_, step) => batchOf(RESNET50, step).images);
  const { batch, imageSize } = RESNET50;
  const margin = await clearKinks(model, batches, [batch, 3, imageSize, imageSize]);
  assert.ok(margin > 1e-3, `an input of a ReLU is ${margin} from its kink`);
  await checkAgreement(t, model, RESNET50);
});
