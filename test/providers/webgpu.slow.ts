import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { probeProvider } from '../../train/engine/providers/probe.ts';
import { softwareVulkan } from './support/find-webgpu.ts';
import type { WebGpuReport } from './support/webgpu-child.ts';

const CHILD = fileURLToPath(new URL('support/webgpu-child.ts', import.meta.url));

// The children read the environment; this process does not use WebGPU.
let trouble = await probeProvider('webgpu');
if (trouble !== undefined) {
  Object.assign(process.env, await softwareVulkan());
  trouble = await probeProvider('webgpu');
}

it('training on WebGPU is training on the CPU', {
  skip: trouble && `no WebGPU: ${trouble}; Chromium brings a Vulkan driver in software`,
}, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    import.meta.resolve('tsx'),
    CHILD,
  ]);
  const report = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as WebGpuReport;
  for (const [webgpu, cpu] of report.losses) {
    assert.ok(Math.abs(webgpu - cpu) < 1e-4 * cpu, `loss ${webgpu}, not ${cpu}`);
  }
  for (const [vector, distance] of Object.entries(report.state)) {
    assert.ok(distance < 1e-4, `${vector}: relative distance ${distance}`);
  }
  assert.equal(report.steps, 2);
  assert.ok(report.reloaded < 1e-4, `after loading: relative distance ${report.reloaded}`);
  assert.deepEqual(report.overflow, { unchanged: true, scale: 2 ** 19 });
  assert.deepEqual(report.fallbacks, {});
});
