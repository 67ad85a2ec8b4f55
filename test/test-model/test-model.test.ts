import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { chosenImages } from '../../core/data/hold-out.ts';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { UserError } from '../../core/errors.ts';
import { evaluateGraph, evaluateModelBytes } from '../../core/metrics/evaluate-model.ts';
import { softmax } from '../../core/metrics/softmax.ts';
import { Tally } from '../../core/metrics/tally.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { canDrawText } from '../../core/plot/png.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';
import { encodeSafetensors } from '../../core/weights/safetensors.ts';
import { weightsSource } from '../../export/sources/weights-source.ts';
import { convertWeights } from '../../export/weights/convert.ts';
import { forImages } from '../../train/fine-tune/enlarge.ts';
import { openStart } from '../../train/fine-tune/start-model.ts';
import { keepModel } from '../../train/run-model.ts';
import {
  defaultFolder,
  describeReport,
  loadModel,
  loadTestSplit,
  makeReport,
  type TestReport,
  testModel,
  writeResults,
} from '../../train/test-model/test-model.ts';
import { command } from '../commands/command.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { CONFIG, writeRun } from '../export/trained-run.ts';
import { tiny, tinyMatrix } from '../plot/tiny-confusion.ts';

const PTH = fileURLToPath(new URL('../fixtures/pytorch/resnet20.pth', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'test-model-test-'));
after(() => rm(folder, { recursive: true }));
const ONNX = join(folder, 'resnet20.onnx');
await convertWeights({ input: PTH, output: ONNX, dataset: 'synthetic' });

/** 150 test images, so that the last batch is not full. */
const small = makeSynthetic({ train: 0, test: 150 });

async function refuses(action: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(action, (error) => {
    assert.ok(error instanceof UserError, error instanceof Error ? error.stack : String(error));
    assert.match(error.message, message);
    return true;
  });
}

describe('testing a model', () => {
  it('measures what the trainer does, from a checkpoint and from its export', async () => {
    const { graph } = fitModel((await loadWeights(PTH)).tensors, PTH);
    const expected = await evaluateGraph(graph, small, small.test);
    for (const path of [PTH, ONNX]) {
      const outcome = await testModel(await loadModel(path), small, { batchSize: 100 });
      assert.deepEqual(outcome.accuracy, expected);
      assert.equal(outcome.matrix.accuracy(), expected.top1);
    }
  });

  it('takes the net of a run that went on from another, which sees its images enlarged', async () => {
    const plain = buildModel('resnet8', { numClasses: 100, imageSize: 48 });
    initializeParameters(plain, 3);
    const graph = forImages(plain, { height: 32, width: 32 });
    const run = await RunDirectory.create('resnet8', join(folder, 'went-on'));
    await run.writeConfig({ ...CONFIG, model: 'resnet8', from: 'resnet8.onnx', imageSize: 32 });
    await keepModel(run, graph);
    const { parameters, buffers } = initializerRoles(graph);
    const tensors = new Map(
      [...parameters, ...buffers].map((name) => {
        const { dims, data } = graph.initializers.get(name)!;
        return [name, { dims, data: data as Float32Array }] as const;
      }),
    );
    const best = run.checkpointPath('best');
    await writeFile(best, encodeSafetensors({ tensors, metadata: {} }));
    const { accuracy } = await testModel(await loadModel(best), small, { batchSize: 64 });
    assert.deepEqual(accuracy, await evaluateGraph(graph, small, small.test));
    // The zoo's net of that name takes the weights too, and sees 32 pixels.
    assert.notEqual(
      accuracy.loss,
      (await evaluateGraph(fitModel(tensors, best).graph, small, small.test)).loss,
    );
    // Weights alone tell nothing of it.
    await refuses(loadModel(best, 'resnet20'), /of a run of resnet8, not of resnet20/);
    await refuses(
      weightsSource(best),
      /a run whose net is its own .*give --run .*went-on instead of --weights/,
    );
    const onnx = { input: best, output: join(folder, 'no.onnx'), dataset: 'synthetic' } as const;
    await refuses(
      convertWeights(onnx),
      /a run whose net is its own .*for npm run export give --run .*went-on/,
    );
    assert.ok(!existsSync(onnx.output));
    await refuses(openStart(best, undefined), /a run whose net is its own .*give --from .*went-on/);
  });

  it('counts without some of the images too, apart from the main figures', async () => {
    const leaveOut = new Set([0, 7, 64, 149]);
    const model = await loadModel(PTH);
    const whole = await testModel(model, small, { batchSize: 64 });
    const { accuracy, matrix, withoutDuplicates } = await testModel(model, small, {
      batchSize: 64,
      leaveOut,
    });
    assert.deepEqual([accuracy, matrix], [whole.accuracy, whole.matrix]);
    const test = chosenImages(small.test, (index) => !leaveOut.has(index));
    const expected = await testModel(model, { ...small, test }, { batchSize: 64 });
    const { loss, leftOut, ...counts } = withoutDuplicates!;
    const { loss: expectedLoss, ...expectedCounts } = expected.accuracy;
    assert.deepEqual([leftOut, counts], [4, expectedCounts]);
    assert.ok(Math.abs(loss - expectedLoss) < 1e-5);
    const report = makeReport({ weights: PTH, model: 'resnet20' }, small, {
      accuracy,
      matrix,
      withoutDuplicates: withoutDuplicates!,
    });
    assert.match(
      describeReport(report),
      /^without the 4 test images that stand in the training set, 146 images$/m,
    );
  });

  it('takes no batch size for another result', async () => {
    const model = await loadModel(PTH);
    const [a, b] = [
      await testModel(model, small, { batchSize: 64 }),
      await testModel(model, small, { batchSize: 150 }),
    ];
    assert.deepEqual(a.matrix, b.matrix);
    assert.ok(Math.abs(a.accuracy.loss - b.accuracy.loss) < 1e-5);
  });

  it('finds the dataset in an exported file and in the run of a checkpoint', async () => {
    assert.equal((await loadModel(ONNX)).dataset, 'synthetic');
    assert.equal((await loadModel(PTH)).dataset, undefined);
    const run = join(folder, 'run');
    await mkdir(run);
    const normalization = { mean: [0.1, 0.2, 0.3], std: [1, 2, 3] };
    await writeFile(join(run, 'config.json'), JSON.stringify({ dataset: 'synthetic', normalization }));
    await copyFile(PTH, join(run, 'best.pth'));
    const model = await loadModel(join(run, 'best.pth'));
    assert.equal(model.dataset, 'synthetic');
    assert.deepEqual((await loadTestSplit(model, {})).normalization, normalization);
  });

  it('is refused where the file and the data do not go together', async () => {
    const model = await loadModel(ONNX);
    await refuses(loadModel(ONNX, 'resnet32'), /is a resnet20, not a resnet32/);
    await refuses(loadModel(PTH, 'resnet32'), /does not fit resnet32/);
    await refuses(loadTestSplit({ ...model, classes: 10 }, {}), /has 10 classes, synthetic has 100/);
    const swapped = [...model.labels!].reverse();
    await refuses(loadTestSplit({ ...model, labels: swapped }, {}), /class names are not those of synthetic/);
    await refuses(
      loadTestSplit({ ...model, dataset: 'mnist' }, {}),
      /trained on "mnist", which cannot be read/,
    );
    await refuses(
      loadTestSplit({ ...model, width: 64 }, {}),
      /images of 64x32, those of synthetic are 32x32/,
    );
  });
});

describe('the report of a test', () => {
  it('has small pictures of them beside it, as many as there are', async () => {
    const folder = join(await temporaryFolder(), 'best-test');
    const { accuracy, matrix, examples } = await testModel(await loadModel(ONNX), small, { batchSize: 64 });
    const write = async (some: typeof examples) => {
      const outcome = { accuracy, matrix, examples: some! };
      const report = makeReport({ weights: 'w', model: 'm' }, small, outcome);
      return { report, files: await writeResults(folder, report, outcome, small) };
    };
    const { report, files } = await write(examples);
    assert.ok(files.includes('examples/'));
    for (const [i, { place }] of examples!.entries()) {
      const { data, info } = await sharp(join(folder, report.examples[i]!.picture))
        .raw()
        .toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height, info.channels], [32, 32, 3]);
      const planar = small.test.images.subarray(place * 3072, (place + 1) * 3072);
      assert.ok(data.every((byte, at) => byte === planar[(at % 3) * 1024 + Math.floor(at / 3)]));
    }
    assert.equal((await readdir(join(folder, 'examples'))).length, examples!.length);
    await write(examples!.slice(-1));
    assert.deepEqual(await readdir(join(folder, 'examples')), ['wrong-1.png']);
  });

  it('names the images that the model was surest of, right and wrong', async () => {
    const model = await loadModel(ONNX);
    const { examples } = await testModel(model, small, { batchSize: 64 });
    const scores: { place: number; guess: number; probability: number }[] = [];
    await evaluateModelBytes(model.bytes, small, small.test, {
      batchSize: 64,
      tally: new (class extends Tally {
        override add(logits: Float32Array, labels: Int32Array, n: number, first: number): void {
          super.add(logits, labels, n, first);
          for (let i = 0; i < n; i++) {
            const own = softmax(logits.subarray(i * 100, (i + 1) * 100));
            const guess = own.indexOf(Math.max(...own));
            scores.push({ place: first + i, guess, probability: own[guess]! });
          }
        }
      })(100),
    });
    const surest = (right: boolean) =>
      scores
        .filter(({ place, guess }) => (small.test.labels[place] === guess) === right)
        .sort((a, b) => b.probability - a.probability)
        .slice(0, 8)
        .map(({ place, guess }) => [place, small.test.labels[place], guess]);
    assert.deepEqual(
      examples!.map(({ place, truth, guess }) => [place, truth, guess]),
      [...surest(true), ...surest(false)],
    );
    const files = [{ file: '/data/mine/test/a 1/IMG_1.jpg', width: 9, height: 9 }];
    const outcome = {
      ...{
        accuracy: { top1: 1, top5: 1, loss: 0, images: 2, top1Correct: 2, top5Correct: 2 },
        matrix: tinyMatrix(),
      },
      examples: [0, 1].map((place) => ({ place, truth: 0, guess: 2, probability: 0.5 })),
    };
    assert.deepEqual(
      makeReport({ weights: 'w', model: 'm' }, { ...tiny, test: { files } }, outcome).examples,
      [
        {
          image: 'a 1/IMG_1.jpg',
          truth: 'a_1',
          guess: 'c',
          probability: 0.5,
          picture: 'examples/wrong-1.png',
        },
        {
          image: 'test image 1',
          truth: 'a_1',
          guess: 'c',
          probability: 0.5,
          picture: 'examples/wrong-2.png',
        },
      ],
    );
  });

  it('has superclasses, classes and every count', () => {
    const accuracy = { top1: 4 / 6, top5: 1, loss: 1, images: 6, top1Correct: 4, top5Correct: 6 };
    const report = makeReport({ weights: 'w', model: 'm' }, tiny, { accuracy, matrix: tinyMatrix() });
    assert.deepEqual(report.confusion, [
      [3, 0, 1],
      [0, 1, 0],
      [0, 1, 0],
    ]);
    assert.equal(report.superclassTop1, 5 / 6);
    assert.deepEqual(
      report.superclasses!.map(({ name, accuracy: share }) => [name, share]),
      [
        ['second', 1],
        ['first', 4 / 5],
      ],
    );
    assert.match(describeReport(report), /\nworst classes\n +0\.00 % .* 0 of 1, taken for .*$/);
    assert.match(describeReport(report), /^m on .*, 6 test images\n/);
    assert.doesNotMatch(describeReport(report), /top-5/);
    const faultless = report.classes.map((one) => ({ ...one, accuracy: 1, confusedWith: [] }));
    assert.doesNotMatch(describeReport({ ...report, classes: faultless }), /worst classes/);
    const { superclasses: _, ...flat } = tiny;
    assert.equal(
      makeReport({ weights: 'w', model: 'm' }, flat, { accuracy, matrix: tinyMatrix() }).superclassTop1,
      undefined,
    );
  });
});

describe('npm run test-model', () => {
  const run = (...args: string[]) => {
    return spawnSync(process.execPath, command('test-model', ...args), { encoding: 'utf8' });
  };

  it('takes the newest run where nothing is named', async () => {
    const cwd = await mkdtemp(join(folder, 'runs-'));
    const alone = (...args: string[]) =>
      spawnSync(process.execPath, command('test-model', ...args), { encoding: 'utf8', cwd });
    assert.match(
      alone().stderr,
      /^error: no run under runs\/ has a best checkpoint; .*--weights FILE or --run DIR\n$/,
    );
    const path = join(cwd, 'runs', 'mine');
    await writeRun(path, { config: { ...CONFIG, dataset: 'synthetic' } });
    const { status, stderr } = alone('--limit', '20', '--json');
    assert.equal(status, 0, stderr);
    assert.equal(existsSync(join(path, 'best-test', 'report.json')), true);
    await rm(join(path, 'best.safetensors'));
    assert.match(alone('--run', path).stderr, /^error: .*mine has no best checkpoint: .*--resume\n$/);
    assert.match(
      alone('--run', path, '--weights', ONNX).stderr,
      /^error: give --run or --weights, not both\n$/,
    );
  });

  it('prints the report and writes it with the picture', async () => {
    const out = join(folder, 'out');
    const { status, stdout, stderr } = run('--weights', ONNX, '--out', out, '--limit', '150');
    assert.equal(status, 0, stderr);
    const report: TestReport = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'));
    assert.equal(report.images, 150);
    assert.equal(report.classes.length, 100);
    assert.match(stdout, /^resnet20 on synthetic, 150 test images\nloss {8}\d+\.\d{4}\ntop-1 {7}\d/);
    assert.ok(stdout.includes(`(${report.top1Correct} of ${report.images})\n`));
    assert.match(
      stdout,
      /\nsuperclass {2}\d+\.\d\d %\nbest classes\n( +\d.*\n){5}worst classes\n( +\d.*\n){5}written/,
    );
    assert.match(await readFile(join(out, 'confusion-matrix.svg'), 'utf8'), /striped triangle/);
    const picture = join(out, 'confusion-matrix.png');
    assert.equal(existsSync(picture), await canDrawText());
    if (existsSync(picture)) assert.ok((await sharp(picture).metadata()).width! > 2000);
  });

  it('prints JSON alone with --json', () => {
    const out = join(folder, 'json');
    const { stdout } = run(
      '--weights',
      PTH,
      '--dataset',
      'synthetic',
      '--json',
      '--out',
      out,
      '--limit',
      '9',
    );
    const report: TestReport = JSON.parse(stdout);
    assert.deepEqual([report.model, report.images], ['resnet20', 9]);
    // No image of most classes: a fraction of nothing.
    assert.equal(report.classes[50]!.accuracy, null);
  });

  it('ends with one line and exit code 1 on a mistake', () => {
    for (const args of [[], ['--weights', join(folder, 'absent.pth')], ['--weights', ONNX, '--out', ONNX]]) {
      const { status, stderr } = run(...args);
      assert.equal(status, 1);
      assert.match(stderr, /^error: [^\n]+\n$/);
    }
  });

  it('refuses a model whose classes do not exclude each other', async () => {
    const { graph, metadata } = decodeModel(await readFile(ONNX), ONNX);
    const path = join(folder, 'several.onnx');
    await writeFile(path, encodeModel(graph, { ...metadata, scores: 'independent' }));
    await assert.rejects(
      loadModel(path),
      /several\.onnx gives every class a probability of its own.* top-1 says nothing of it/,
    );
  });

  it('puts results beside the weights', () => {
    const best = join('runs', 'x', 'best.safetensors');
    assert.equal(defaultFolder(best), join('runs', 'x', 'best-test'));
    const at = (path: string, name = 'folder') =>
      defaultFolder(best, { path: '/mine' }, { name, origin: { path } });
    assert.deepEqual(
      [at('/mine'), at('/others/photos'), at('/elsewhere', 'cifar100')],
      ['best-test', 'best-test-photos', 'best-test'].map((name) => join('runs', 'x', name)),
    );
  });
});
