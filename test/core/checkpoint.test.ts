import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { floatTensor } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import {
  type Checkpoint,
  type CheckpointProgress,
  loadCheckpoint,
  loadCheckpointWeights,
  saveCheckpoint,
  withWeights,
} from '../../core/weights/checkpoint.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';
import { encodeSafetensors } from '../../core/weights/safetensors.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const ACCURACY = { top1: 0.5, top5: 0.75, loss: 2.125, images: 8, top1Correct: 4, top5Correct: 6 };
const PROGRESS: CheckpointProgress = { epoch: 3, batch: 41, accuracy: ACCURACY, best: ACCURACY };

const tensors = (): Checkpoint['tensors'] =>
  new Map([
    ['fc.weight', { dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
    ['optimizer.momentum.fc.weight', { dims: [2, 2], data: Float32Array.of(5, 6, 7, 8) }],
  ]);

const isUserError = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UserError, String(error));
  assert.match(error.message, message);
  return true;
};

describe('a checkpoint', () => {
  it('comes back with weights, optimiser state and progress', async () => {
    const path = join(await temporaryFolder(), 'deep', 'last.safetensors');
    await saveCheckpoint(path, { tensors: tensors(), progress: PROGRESS });
    assert.deepEqual(await loadCheckpoint(path), { tensors: tensors(), progress: PROGRESS });
  });

  it('of before there were sums, whose evaluation was put off, has its figures as such', async () => {
    const path = join(await temporaryFolder(), 'last.safetensors');
    const trained = {
      learningRate: 0.1,
      trainLoss: 2,
      trainTop1: 0.25,
      imagesPerSecond: 40,
      trainSeconds: 5,
    };
    const progress = { epoch: 3, batch: 4, trained } as CheckpointProgress;
    await saveCheckpoint(path, { tensors: tensors(), progress });
    const soFar = { batches: 4, images: 200, correct: 50, loss: 8, seconds: 5, learningRate: 0.1 };
    assert.deepEqual((await loadCheckpoint(path)).progress, { epoch: 3, batch: 4, soFar });
  });

  it('replaces the one before and leaves nothing else', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'last.safetensors');
    await saveCheckpoint(path, { tensors: tensors(), progress: PROGRESS });
    await saveCheckpoint(path, { tensors: new Map(), progress: { epoch: 4, batch: 0 } });
    assert.deepEqual(await loadCheckpoint(path), { tensors: new Map(), progress: { epoch: 4, batch: 0 } });
    assert.deepEqual(await readdir(folder), ['last.safetensors']);
  });

  it('that is missing, a directory or truncated is refused', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'last.safetensors');
    await assert.rejects(
      loadCheckpoint(path),
      isUserError(/cannot read the checkpoint .*last\.safetensors$/),
    );
    await mkdir(path);
    await assert.rejects(loadCheckpoint(path), isUserError(/cannot read the checkpoint/));
    const other = join(folder, 'best.safetensors');
    await saveCheckpoint(other, { tensors: tensors(), progress: PROGRESS });
    const { length } = await readFile(other);
    for (const size of [length - 1, length - 20, 60, 7, 0]) {
      await truncate(other, size);
      await assert.rejects(loadCheckpoint(other), isUserError(/best\.safetensors .*truncated/));
    }
  });

  it('of which any bit has changed is refused, however it is read', async () => {
    const path = join(await temporaryFolder(), 'last.safetensors');
    await saveCheckpoint(path, { tensors: tensors(), progress: PROGRESS });
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << (at % 8);
      await writeFile(path, changed);
      // The one byte of the checksum's own name aside, with which the checksum is gone and all else is there.
      const load = loadCheckpoint(path).then(
        (loaded) => assert.deepEqual(loaded.tensors, tensors(), `byte ${at}`),
        (error) => assert.ok(error instanceof UserError, `byte ${at}: ${error}`),
      );
      await load;
      await loadCheckpointWeights(path).catch((error) => assert.ok(error instanceof UserError, `${error}`));
    }
    const data = Buffer.from(whole);
    data[data.length - 3]! ^= 4;
    await writeFile(path, data);
    await assert.rejects(loadCheckpoint(path), isUserError(/last\.safetensors is damaged: .*SHA-256/));
    await assert.rejects(loadCheckpointWeights(path), isUserError(/last\.safetensors is damaged: .*SHA-256/));
    await assert.rejects(loadWeights(path), isUserError(/last\.safetensors is damaged: .*SHA-256/));
    const progress = Buffer.from(whole.toString('latin1').replace('"epoch\\":3', '"epoch\\":7'), 'latin1');
    assert.notDeepEqual(progress, whole);
    await writeFile(path, progress);
    await assert.rejects(loadCheckpoint(path), isUserError(/is damaged/));
  });

  it('that does not say where the run stands is refused', async () => {
    const path = join(await temporaryFolder(), 'weights.safetensors');
    for (const progress of [
      undefined,
      'no json',
      'null',
      '7',
      '{}',
      '{"epoch":1}',
      '{"epoch":"1","batch":0}',
    ]) {
      const metadata: Record<string, string> = progress === undefined ? {} : { progress };
      await writeFile(path, encodeSafetensors({ tensors: tensors(), metadata }));
      await assert.rejects(loadCheckpoint(path), isUserError(/is not a checkpoint: .* where the run stands/));
    }
  });
});

describe('weights put into a graph', () => {
  const graph = buildModel('resnet20', { numClasses: 10 });
  const trained = buildModel('resnet20', { numClasses: 10 });
  initializeParameters(trained, 7);
  const { parameters, buffers } = initializerRoles(graph);
  const weights = (): Checkpoint['tensors'] =>
    new Map(
      [...parameters, ...buffers].map((name) => {
        const { dims, data } = trained.initializers.get(name)!;
        return [name, { dims, data: data as Float32Array }];
      }),
    );

  it('are every parameter and running statistic; more tensors do not matter', () => {
    const before = new Map(graph.initializers);
    const filled = withWeights(graph, new Map([...weights(), ...tensors()].reverse()), 'x');
    assert.deepEqual([...filled.initializers.keys()], [...graph.initializers.keys()]);
    for (const [name, tensor] of trained.initializers)
      assert.deepEqual(filled.initializers.get(name), tensor);
    assert.deepEqual(graph.initializers, before);
  });

  it('are what an older version has trained besides, too', () => {
    const one = floatTensor([2], [1, 1]);
    const more = { ...graph, initializers: new Map(graph.initializers).set('ones', one) };
    const learned = { dims: [2], data: Float32Array.of(0.5, 2) };
    const filled = withWeights(more, new Map([...weights(), ['ones', learned]]), 'x');
    assert.deepEqual(filled.initializers.get('ones'), { dtype: 'float32', ...learned });
    const other = new Map([...weights(), ['ones', { dims: [1], data: Float32Array.of(3) }]]);
    assert.deepEqual(withWeights(more, other, 'x').initializers.get('ones'), one);
  });

  it('are refused if one is missing or has another shape', () => {
    for (const name of ['fc.bias', 'bn1.running_mean', 'layer1.0.conv1.weight']) {
      const missing = weights();
      missing.delete(name);
      assert.throws(
        () => withWeights(graph, missing, 'x.safetensors'),
        isUserError(new RegExp(`^x\\.safetensors has no tensor "${name}"; it is not of model resnet20$`)),
      );
    }
    const other = new Map([...weights(), ['fc.weight', { dims: [64, 10], data: new Float32Array(640) }]]);
    assert.throws(
      () => withWeights(graph, other as Checkpoint['tensors'], 'x'),
      isUserError(/x: tensor "fc\.weight" is \[64,10\], model resnet20 needs \[10,64\]/),
    );
  });
});
