import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';
import { decodeSafetensors, encodeSafetensors } from '../../core/weights/safetensors.ts';
import { type ConvertOptions, convertWeights } from '../../export/weights/convert.ts';
import { command } from '../commands/command.ts';
import { assertSameTensors, fixturePath } from './support.ts';

const folder = await mkdtemp(join(tmpdir(), 'convert-test-'));
after(() => rm(folder, { recursive: true }));

const RESNET20 = fixturePath('resnet20.pth');
const at = (name: string) => join(folder, name);

async function refuses(options: Partial<ConvertOptions>, message: RegExp): Promise<void> {
  const output = options.output ?? at('refused.onnx');
  await assert.rejects(convertWeights({ input: RESNET20, ...options, output }), (error) => {
    assert.ok(error instanceof UserError, error instanceof Error ? error.stack : String(error));
    assert.match(error.message, message);
    assert.match(error.message, /^[^\n]+$/);
    return true;
  });
  assert.equal(existsSync(output), false);
}

describe('converting weights', () => {
  it('to safetensors keeps every bit and names the model', async () => {
    const output = at('a.safetensors');
    const result = await convertWeights({ input: RESNET20, output });
    assert.equal(result.model, 'resnet20');
    assert.equal(result.from, 'pytorch');
    const file = decodeSafetensors(await readFile(output), output);
    assert.deepEqual(file.metadata, { format: 'pt', model: 'resnet20' });
    const { tensors } = await loadWeights(RESNET20);
    assertSameTensors(file.tensors, tensors);
    assert.equal(result.tensors, tensors.size);
    assert.equal(result.bytes, (await readFile(output)).length);
  });

  it('to ONNX gives a model file with the metadata that a server needs', async () => {
    const output = at('b.onnx');
    const result = await convertWeights({ input: RESNET20, output, dataset: 'synthetic' });
    assert.deepEqual([result.to, result.folded], ['onnx', false]);
    const { graph, metadata } = decodeModel(await readFile(output), output);
    const { model, dataset, labels, inputHeight } = decodeMetadata(metadata, output);
    assert.deepEqual([model, dataset, labels.length, inputHeight], ['resnet20', 'synthetic', 100, 32]);
    assert.ok(graph.nodes.every((node) => node.op !== 'BatchNormalization'));
  });

  it('from ONNX to safetensors and back gives the same model', async () => {
    const labels = at('labels.txt');
    await writeFile(labels, Array.from({ length: 100 }, (_, i) => `label ${i}\n`).join(''));
    const onnx = at('c.onnx');
    await convertWeights({ input: RESNET20, output: onnx, dataset: 'synthetic', labels });
    const safetensors = at('c.safetensors');
    const there = await convertWeights({ input: onnx, output: safetensors });
    assert.deepEqual([there.model, there.folded], ['resnet20', true]);
    const back = at('c2.onnx');
    await convertWeights({ input: safetensors, output: back });
    assert.deepEqual(await readFile(back), await readFile(onnx));
    const { metadata } = decodeModel(await readFile(back), back);
    assert.equal(decodeMetadata(metadata, back).labels[99], 'label 99');
  });

  it('of no known model to safetensors is possible, to ONNX it is not', async () => {
    const input = fixturePath('checkpoint.pth');
    const output = at('d.safetensors');
    const result = await convertWeights({ input, output });
    assert.equal(result.model, undefined);
    const { tensors } = await loadWeights(input);
    assertSameTensors(decodeSafetensors(await readFile(output), output).tensors, tensors);
    assert.ok(tensors.has('0.weight'));
    await refuses({ input, dataset: 'synthetic' }, /has no classifier "fc\.weight"/);
    await refuses({ input, output: at('e.safetensors'), model: 'resnet20' }, /has no classifier/);
  });

  it('of no known net says so, and not that its data is missing', async () => {
    const input = at('other.safetensors');
    const tensor = (...dims: number[]) => ({
      dims,
      data: new Float32Array(dims.reduce((product, dim) => product * dim)),
    });
    // As many classes as any, and names as of a ResNet: only the layers are others.
    const tensors = new Map([
      ['conv1.weight', tensor(8, 3, 3, 3)],
      ['bn1.running_mean', tensor(8)],
      ['fc.weight', tensor(10, 64)],
    ]);
    await writeFile(input, encodeSafetensors({ tensors, metadata: {} }));
    for (const data of [undefined, folder]) {
      await refuses(
        { input, data },
        /is of no net that is known here \(.*\): its 3 tensors are "conv1.weight".*; .*torch\.onnx\.export/,
      );
    }
    // Of one that is known it is.
    await refuses({ data: folder }, /does not store all about its data, and /);
  });

  it('does not make a checkpoint of a part of one', async () => {
    const input = at('checkpoint.safetensors');
    const { tensors } = await loadWeights(RESNET20);
    const metadata = { format: 'pt', progress: '{"epoch":3,"batch":0}', note: 'mine' };
    await writeFile(input, encodeSafetensors({ tensors, metadata }));
    const output = at('f.safetensors');
    await convertWeights({ input, output });
    const converted = decodeSafetensors(await readFile(output), output).metadata;
    assert.deepEqual(converted, { format: 'pt', note: 'mine', model: 'resnet20' });
  });

  it('is refused where it would go wrong', async () => {
    await refuses({ output: at('x.pth') }, /x\.pth must end in .*PyTorch reads \.safetensors/);
    await refuses({ output: at('x.bin') }, /x\.bin must end in \.safetensors or \.onnx$/);
    await refuses({ model: 'resnet32', dataset: 'synthetic' }, /does not fit resnet32: it lacks/);
    await refuses({ input: at('b.onnx'), output: at('x.onnx') }, /is an ONNX model already$/);
    await refuses({ dataset: 'synthetic', labels: at('absent') }, /^cannot read the labels/);
    const few = at('few.json');
    await writeFile(few, '["cat", "dog"]');
    await refuses(
      { dataset: 'synthetic', labels: few },
      /tells 100 classes apart, but there are 2 labels \(.*few\.json\); give the right --labels/,
    );
    await writeFile(few, '["cat", 5]');
    await refuses({ dataset: 'synthetic', labels: few }, /the name of class 1 is no text/);
    await writeFile(few, '\n\n');
    await refuses({ dataset: 'synthetic', labels: few }, /has no label names$/);
    await refuses({ output: join(RESNET20, 'x.safetensors') }, /^cannot write/);
  });
});

describe('npm run weights', () => {
  const run = (...args: string[]) => {
    return spawnSync(process.execPath, command('weights', ...args), { encoding: 'utf8' });
  };

  it('says what it read and wrote', () => {
    const output = at('cli.safetensors');
    const { status, stdout, stderr } = run(RESNET20, output);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.match(
      stdout,
      /resnet20\.pth, PyTorch checkpoint\nmodel {5}resnet20: \d+ tensors, [\d,]+ values\n/,
    );
    assert.ok(existsSync(output));
  });

  it('ends with one line and exit code 1 on a mistake', () => {
    for (const args of [
      [RESNET20],
      [RESNET20, 'a.onnx', 'b'],
      [fixturePath('hostile.pth'), 'a.safetensors'],
    ]) {
      const { status, stdout, stderr } = run(...args);
      assert.equal(status, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /^error: [^\n]+\n$/);
    }
  });
});
