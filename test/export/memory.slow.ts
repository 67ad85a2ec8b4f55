import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { saveCheckpoint } from '../../core/weights/checkpoint.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { CONFIG, tensorsOf } from './trained-run.ts';

const MEASURE = fileURLToPath(new URL('measure-memory.ts', import.meta.url));
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

const skip = existsSync('/proc/self/status')
  ? false
  : 'on Linux only, which says how much memory a process took';

describe('the export of a large net', { skip }, () => {
  it('takes at most 2.4 times the memory of its weights', async () => {
    const folder = await temporaryFolder();
    const labels = makeSynthetic({ splits: [] }).labels;
    const graph = buildModel('resnet50', { numClasses: labels.length });
    const run = await RunDirectory.create('test', join(folder, 'run'));
    await run.writeConfig({ ...CONFIG, model: 'resnet50' });
    const tensors = tensorsOf(graph);
    // Any values will do, as long as the file has them all, and the optimiser's as a trainer saves them.
    let seed = 1;
    for (const [name, { dims, data }] of [...tensors]) {
      if (name.endsWith('.weight') && dims.length > 1) {
        for (let i = 0; i < data.length; i++) {
          seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
          data[i] = (seed / 2 ** 30 - 1) * 0.02;
        }
      }
      tensors.set(`optimizer.momentum.${name}`, { dims, data });
    }
    await saveCheckpoint(run.checkpointPath('best'), { tensors, progress: { epoch: 1, batch: 0 } });
    const args = ['--import', 'tsx', MEASURE, run.path, join(folder, 'model.onnx')];
    const grown = Number(execFileSync(process.execPath, args, { cwd: PROJECT, encoding: 'utf8' }));
    const weights = 4 * parameterCount(graph);
    assert.ok(grown > 0.9 * weights, `${grown} bytes`);
    assert.ok(grown <= 2.4 * weights, `${(grown / weights).toFixed(2)} times the weights`);
  });
});
