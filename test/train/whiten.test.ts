import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { whiten } from '../../train/whiten.ts';

describe('a net that whitens its images', () => {
  const net = buildModel('airbench94', { numClasses: 10 });
  initializeParameters(net, 1);
  const valuesOf = (name: string) => net.initializers.get(name)!.data as Float32Array;

  it('has convs that hand on their channels, and random filters behind them', () => {
    const before = valuesOf('layer1.conv1.weight');
    for (let filter = 0; filter < 24; filter++) {
      const own = before.subarray(filter * 24 * 9, (filter + 1) * 24 * 9);
      assert.deepEqual(
        [...own.entries()].filter(([, value]) => value !== 0),
        [[filter * 9 + 4, 1]],
      );
    }
    const random = before.subarray(24 * 24 * 9);
    assert.ok(random.every((value) => value !== 0));
    const square = random.reduce((sum, value) => sum + value * value, 0) / random.length;
    assert.ok(Math.abs(square / (2 / (64 * 9)) - 1) < 0.1, `${square}`);
  });

  it('gets filters under which patches of its images have variance one and no correlation', () => {
    const data = makeSynthetic({ train: 200, test: 10 });
    whiten(net, data);
    const filters = valuesOf('whiten.weight');
    assert.ok(valuesOf('whiten.bias').every((value) => value === 0));
    const { images, count } = data.train;
    const { mean, std } = data.normalization;
    const products = Array.from({ length: 12 }, () => new Array<number>(12).fill(0));
    const variances = new Array<number>(12).fill(0);
    let patches = 0;
    for (let image = 0; image < count; image++) {
      for (let y = 0; y < 31; y++) {
        for (let x = 0; x < 31; x++, patches++) {
          const patch = Array.from({ length: 12 }, (_, i) => {
            const [c, dy, dx] = [i >> 2, (i >> 1) & 1, i & 1];
            return (images[((image * 3 + c) * 32 + y + dy) * 32 + x + dx]! / 255 - mean[c]!) / std[c]!;
          });
          const answers = products.map((_, f) =>
            patch.reduce((sum, value, i) => sum + value * filters[f * 12 + i]!, 0),
          );
          for (let a = 0; a < 12; a++) {
            for (let b = 0; b < 12; b++) products[a]![b]! += answers[a]! * answers[b]!;
            const length = filters.subarray(a * 12, a * 12 + 12).reduce((sum, value) => sum + value ** 2, 0);
            variances[a]! += answers[a]! ** 2 / length;
          }
        }
      }
    }
    for (let a = 0; a < 12; a++) {
      // Of the component itself, before it is divided by its deviation.
      const variance = variances[a]! / patches;
      if (a > 0) assert.ok(variance <= (variances[a - 1]! / patches) * 1.001, 'by falling variance');
      for (let b = 0; b < 12; b++) {
        const expected = a === b ? variance / (variance + 5e-4) : 0;
        assert.ok(Math.abs(products[a]![b]! / patches - expected) < 1e-3, `${a} ${b}`);
      }
      for (let i = 0; i < 12; i++) assert.equal(filters[(a + 12) * 12 + i], -filters[a * 12 + i]!);
    }
  });

  it('and no other net is changed', () => {
    const other = buildModel('resnet8', { numClasses: 10 });
    initializeParameters(other, 1);
    const before = [...other.initializers].map(([name, { data }]) => [name, data.slice()]);
    whiten(other, makeSynthetic({ train: 10, test: 10 }));
    assert.deepEqual(
      [...other.initializers].map(([name, { data }]) => [name, data]),
      before,
    );
  });
});
