import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { readModelBytes } from '../../core/onnx/read-model-bytes.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import { command } from '../commands/command.ts';
import { writeColors } from '../data/image-folder.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

/* The whole way of somebody's .onnx: trained on own photos, resumed, exported, tested. */

const folder = await temporaryFolder();
const DATA = join(folder, 'data');
await writeColors(DATA, 8, 4);
/** Of another program: other names of its ends, 10 classes, a softmax, 40 pixels. */
const FOREIGN = join(folder, 'theirs.onnx');
{
  const graph = buildModel('resnet8', { numClasses: 10, imageSize: 40 });
  initializeParameters(graph, 3);
  const logits = graph.outputs[0]!.name;
  graph.nodes.push({
    op: 'Softmax',
    domain: '',
    name: 'end',
    inputs: [logits],
    outputs: ['scores'],
    attributes: {},
  });
  graph.outputs[0]!.name = 'scores';
  await writeFile(FOREIGN, encodeModel(graph));
  await writeFile(
    join(folder, 'theirs.json'),
    JSON.stringify({ mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] }),
  );
}

async function run(name: string, ...args: string[]): Promise<string> {
  const { CIFAR100_DIR: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, command(name, ...args), {
    cwd: folder,
    env,
  });
  return stdout;
}

it('trains the .onnx of another program on own photos, goes on with the run and exports it', async () => {
  const RUN = join(folder, 'run');
  const said = await run(
    'train',
    '--from',
    FOREIGN,
    '--data',
    DATA,
    '--epochs',
    '2',
    '--batch-size',
    '8',
    '--schedule',
    'constant',
    '--lr',
    '0.01',
    '--freeze',
    'layer1',
    '--run',
    RUN,
  );
  assert.match(said, /its head \(fc.weight, 10 classes\) is replaced by one of 3/);
  // What it would cost in another size cannot be known.
  assert.match(
    said,
    /^images of 40 x 40 pixels: 20 million multiply-adds each on this net; 469 million a step$/m,
  );
  assert.doesNotMatch(said, /resized/, 'the photos are decoded as the net takes them');
  const start = decodeModel(await readModelBytes(join(RUN, 'model.onnx'), 'model')).graph;
  const { tensors } = await loadCheckpoint(join(RUN, 'last.safetensors'));
  const layer = 'layer1.0.conv1.weight';
  assert.deepEqual(tensors.get(layer)!.data, start.initializers.get(layer)!.data);
  assert.notDeepEqual(tensors.get('fc.weight')!.data, start.initializers.get('fc.weight')!.data);

  assert.match(await run('train', '--resume', RUN, '--epochs', '3'), /epoch 3: /);

  const OUT = join(folder, 'out.onnx');
  assert.match(await run('export', '--run', RUN, '--out', OUT), /theirs \(folder, 3 classes\)/);
  const metadata = decodeMetadata(decodeModel(await readModelBytes(OUT, 'out')).metadata, 'out');
  assert.deepEqual(metadata.mean, [0.4, 0.5, 0.6]);
  assert.deepEqual([metadata.inputHeight, metadata.labels.length], [40, 3]);
  const report = JSON.parse(await run('test-model', '--weights', OUT, '--data', DATA, '--json'));
  const log = JSON.parse(await run('runs', '--root', folder, '--json'));
  assert.equal(report.top1, log[0].best?.top1 ?? report.top1);
});

it('images of another size are resized when they are loaded, if it is said, in all that follows', async () => {
  const RUN = join(folder, 'enlarged');
  const few = ['--dataset', 'synthetic', '--train-images', '32', '--epochs', '1', '--batch-size', '16'];
  const said = await run('train', '--from', FOREIGN, ...few, '--enlarge', 'loader', '--run', RUN);
  assert.doesNotMatch(said, /in the graph/);
  // It goes on with the same images.
  assert.match(await run('train', '--resume', RUN), /was finished before/);
  const out = join(folder, 'enlarged.onnx');
  await run('export', '--run', RUN, '--out', out, '--verify-images', '16');
  const { inputHeight } = decodeMetadata(decodeModel(await readModelBytes(out, out)).metadata, out);
  assert.equal(inputHeight, 40);
  const report = JSON.parse(await run('test-model', '--weights', out, '--limit', '16', '--json'));
  assert.equal(report.images, 16);
});

it('a mistake is one line', async () => {
  const cases: [string[], RegExp][] = [
    [['--from', 'nothing.onnx'], /--from nothing.onnx: there is no such file/],
    [
      ['--from', 'efficientnet-lite2'],
      /--from efficientnet-lite2 is not fetched yet: npm run pretrained -- efficientnet-lite2$/m,
    ],
    [
      ['--from', FOREIGN, '--model', 'resnet8'],
      /give --model for a new net or --from for one that goes on, not both/,
    ],
    [['--head', 'fc'], /--head is for a model to go on from; it needs --from/],
    [['--from', FOREIGN, '--freeze', 'layer7'], /--freeze layer7 fits none of the \d+ parameters/],
  ];
  for (const [args, message] of cases) {
    await assert.rejects(
      run('train', '--data', DATA, '--batch-size', '8', '--epochs', '1', ...args),
      (error: { stderr: string }) => {
        assert.match(error.stderr, message);
        assert.equal(
          error.stderr
            .trim()
            .split('\n')
            .filter((line) => line.startsWith('error:')).length,
          1,
        );
        return true;
      },
    );
  }
});
