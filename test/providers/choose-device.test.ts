import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import { chooseDevice } from '../../train/engine/providers/choose-device.ts';
import { probeProvider, providersOfBuild } from '../../train/engine/providers/probe.ts';
import { PROVIDER_NAMES, PROVIDERS, type Provider } from '../../train/engine/providers/providers.ts';
import { CONFIG, initialModel } from '../train/support/tiny-run.ts';

async function choose(provider: Provider, stepsPerCall?: number, precision: 'fp32' | 'fp16' = 'fp32') {
  const lines: string[] = [];
  const device = await chooseDevice({ provider, stepsPerCall, precision }, (line) => lines.push(line));
  return { device, lines };
}

describe('choosing the device', () => {
  it('takes the cpu without a word', async () => {
    assert.deepEqual(await choose('cpu', 4), { device: { provider: 'cpu', stepsPerCall: 4 }, lines: [] });
    assert.equal(await probeProvider('cpu'), undefined);
  });

  it('says in one line why a provider cannot be used, and what it needs, and takes the cpu', async () => {
    const inBuild = providersOfBuild();
    assert.ok(inBuild.includes('cpu'));
    const missing = PROVIDER_NAMES.filter((name) => !inBuild.includes(name));
    // No platform has CUDA, DirectML and Core ML.
    assert.ok(missing.length > 0);
    for (const provider of missing) {
      const { device, lines } = await choose(provider);
      assert.deepEqual(device, { provider: 'cpu' });
      assert.equal(lines.length, 1);
      assert.ok(!lines[0]!.includes('\n'));
      assert.ok(
        lines[0]!.startsWith(`--provider ${provider} cannot be used (onnxruntime-node for `),
        lines[0],
      );
      assert.ok(lines[0]!.endsWith(PROVIDERS[provider].needs), lines[0]);
    }
  });

  it('does the same for one whose library or device is missing', async (t) => {
    // Only a machine on which every provider works has none.
    const troubles = await Promise.all(
      providersOfBuild().map(async (name) => [name, await probeProvider(name)]),
    );
    const broken = troubles.find(([, trouble]) => trouble !== undefined);
    if (!broken) return t.skip('every provider of this build works here');
    const { device, lines } = await choose(broken[0] as Provider, undefined, 'fp16');
    assert.deepEqual(device, { provider: 'cpu' });
    assert.equal(lines.length, 1);
    assert.ok(lines[0]!.includes(`(${broken[1]})`) && lines[0]!.includes('only emulates float16'), lines[0]);
  });

  it('warns of float16 on the cpu', async () => {
    const { lines } = await choose('cpu', undefined, 'fp16');
    assert.deepEqual(lines, [
      'training on the cpu, which only emulates float16: --precision fp32 is faster there',
    ]);
  });

  it('refuses what makes no sense', async () => {
    await assert.rejects(choose('webgpu', 2), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /^--steps-per-call saves nothing with webgpu/);
      return true;
    });
    const shared = { ...CONFIG, replicas: 2 };
    for (const device of [{ provider: 'cuda' }, { provider: 'cpu', stepsPerCall: 2 }] as const) {
      await assert.rejects(
        createEngine(initialModel(), shared, 1, device),
        /works with the whole batch at once/,
      );
    }
    const tfjs = { ...CONFIG, engine: 'tfjs' as const };
    await assert.rejects(
      createEngine(initialModel(), tfjs, 1, { provider: 'cuda' }),
      /^UserError: --provider cuda is for --engine ort, the run's engine is tfjs$/,
    );
  });
});
