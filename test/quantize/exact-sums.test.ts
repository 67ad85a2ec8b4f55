import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactInt8, sumsAreExact } from '../../core/runtime/exact-int8.ts';

test('8-bit sums are exact, and slower kernels are asked for only where they otherwise are not', async () => {
  const settings = await exactInt8();
  assert.ok(await sumsAreExact(settings));
  assert.equal(await sumsAreExact(), settings.x64quantprecision === undefined);
});
