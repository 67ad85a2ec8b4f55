import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadDataset } from '../../core/data/load.ts';
import { datasetRecord, readDatasetRecord } from '../../core/data/run-record.ts';
import { matchClasses, readClassMap } from '../../core/metrics/match-classes.ts';
import { checkHasTraining } from '../../core/metrics/tally.ts';
import { evaluateServer } from '../../serve/evaluate/evaluate-server.ts';
import { htmlReport } from '../../serve/evaluate/html-report.ts';
import { describeModel } from '../../serve/models/describe-model.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { loadModel, loadTestSplit, makeReport, testModel } from '../../train/test-model/test-model.ts';
import { command } from '../commands/command.ts';
import { picture, writeColors, writeTree } from '../data/image-folder.ts';
import { rejectsPlainly } from '../data/user-error.ts';
import { RED, redNet } from '../foreign/red-net.ts';

/** Not synchronously: the server that is asked is in this process. */
function evaluate(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, command('evaluate', ...args), (_error, stdout, stderr) =>
      resolve({ stdout, stderr }),
    );
  });
}

/** A model of another program whose classes are red, green and blue, and a folder of somebody's pictures. */
describe("anybody's model on anybody's pictures", () => {
  let folder: string;
  let model: string;
  let pictures: string;
  let server: RunningServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'other-data-'));
    model = join(folder, 'colleague.onnx');
    pictures = join(folder, 'pictures');
    await writeFile(model, redNet(undefined, { batch: 1 }));
    await writeFile(join(folder, 'colleague.json'), JSON.stringify(RED));
    // In another order than the model's, in upper case; one picture lies in the wrong folder.
    await writeTree(pictures, {
      'BLUE/1.png': picture(1, 20, 20, [30, 30, 220]).png(),
      'BLUE/2.png': picture(2, 20, 20, [30, 30, 220]).png(),
      'Red/1.png': picture(3, 20, 20, [220, 30, 30]).png(),
      'Red/in truth green.png': picture(4, 20, 20, [30, 220, 30]).png(),
    });
    server = await startServer({ model, port: 0, inference: { threads: 1 }, demoDirectory: false });
  });
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  it('is tested with no key of ours in it, classes matched by name, mistakes named by their files', async () => {
    const loaded = await loadModel(model);
    const notes: string[] = [];
    const dataset = await loadTestSplit(loaded, { data: pictures, onNote: (line) => notes.push(line) });
    assert.match(notes.join(), /all 4 images are test images/);
    const outcome = await testModel(loaded, dataset, { batchSize: 100 });
    assert.deepEqual([outcome.accuracy.images, outcome.accuracy.top1Correct], [4, 3]);
    const report = makeReport({ weights: model, model: loaded.model }, dataset, outcome);
    assert.deepEqual(report.confusion, [
      [1, 1, 0],
      [0, 0, 0],
      [0, 0, 2],
    ]);
    const [wrong] = report.examples.filter(({ truth, guess }) => truth !== guess);
    assert.deepEqual([wrong!.image, wrong!.truth, wrong!.guess], ['Red/in truth green.png', 'red', 'green']);
  });

  it('is evaluated through a server in the same way', async () => {
    const { stdout, stderr } = await evaluate('--server', server.url, '--data', pictures);
    assert.match(stdout, /on folder, 4 test images\ntop-1 +75\.00 % \(3 of 4\)\nspeed/, stderr);
    const dataset = await loadTestSplit(await loadModel(model), { data: pictures });
    const html = await htmlReport(await evaluateServer({ server: server.url, dataset }), dataset);
    assert.match(html, /Red\/in truth green\.png<\/figcaption>/);
    assert.doesNotMatch(html, /top-5/);
    const without = await evaluate('--server', server.url);
    assert.match(without.stderr, /trained on "unknown", which cannot be read; .*--data DIR\n$/);
  });

  it('takes classes of other names by a file, and says which are missing', async () => {
    const loaded = await loadModel(model);
    const other = `${pictures}-2`;
    await rename(pictures, other);
    await rename(join(other, 'BLUE'), join(other, 'sky'));
    await rejectsPlainly(
      loadTestSplit(loaded, { data: other }),
      /the model has no class "sky"; its 3 classes are "red", "green", "blue"; .*--class-map FILE/,
    );
    const classMap = join(other, '..', 'map.json');
    await writeFile(classMap, '{"sky": "blue"}');
    const { test } = await loadTestSplit(loaded, { data: other, classMap });
    // Folders in the order of their names, an image of each in turn.
    assert.deepEqual([...test.labels], [0, 2, 0, 2]);
    await writeFile(classMap, '["sky"]');
    await rejectsPlainly(readClassMap(classMap), /must be a JSON object of names/);
  });

  it('is not guessed at where two classes are called alike', async () => {
    const dataset = await loadTestSplit(await loadModel(model), {
      data: `${pictures}-2`,
      classMap: await map(),
    });
    const two = { ...dataset, labels: ['RED'], test: { ...dataset.test, labels: new Uint16Array(4) } };
    assert.throws(() => matchClasses(two, ['red', 'Red']), /"RED" of the data may be "red" or "Red"/);
    assert.deepEqual([...matchClasses(two, ['x', 'RED', 'red']).test.labels], [1, 1, 1, 1]);
    assert.throws(
      () => matchClasses(two, ['red'], new Map([['rd', 'red']])),
      /names "rd", which is no class/,
    );
  });

  it('of a run that held images out of a flat folder: only those of its own, all of another', async () => {
    const own = join(folder, 'own');
    await writeColors(join(folder, 'colours'), 5, 0);
    await rename(join(folder, 'colours', 'train'), own);
    const foreign = await loadModel(model);
    const heldOut = { share: 0.2, seed: 1 };
    const trained = await loadDataset({ dir: own, imageSize: foreign.height, heldOut });
    const { data } = readDatasetRecord({ ...datasetRecord(trained) }, 'the run');
    const loaded = { ...foreign, dataset: 'folder', normalization: trained.normalization, data: data! };
    const notes: string[] = [];
    const count = async (given?: string, training = false) => {
      notes.splice(0);
      const onNote = (line: string) => notes.push(line);
      return (await loadTestSplit(loaded, { data: given, onNote, training })).test.count;
    };
    assert.deepEqual([await count(), await count(own)], [3, 3]);
    assert.match(notes.join(), /^the 3 images of .*own that were held out of training are the test images$/);
    await rename(own, `${own}-moved`);
    assert.equal(await count(`${own}-moved`), 3);
    await rename(`${own}-moved`, own);
    // Too few of a class to hold any out.
    const other = join(folder, 'others');
    await writeTree(other, {
      'RED/1.png': picture(3, 20, 20, [220, 30, 30]).png(),
      'green/1.png': picture(4, 20, 20, [30, 220, 30]).png(),
      'green/2.png': picture(5, 20, 20, [30, 220, 30]).png(),
    });
    assert.equal(await count(other), 3);
    assert.match(
      notes.join(),
      /all 3 images are test images; it is not the folder that the model was trained on/,
    );
    await rm(join(own, 'red', '000.png'));
    await rm(join(own, 'blue', '000.png'));
    await rm(join(own, 'green', '000.png'));
    await rejectsPlainly(count(own), /may have been trained on; .*test on another with --data/);

    const bare = await loadTestSplit(loaded, { data: other, training: true });
    assert.throws(() => checkHasTraining(bare), /has no training images to compare with/);

    // A server tells no more of it than is needed to find them again.
    const trainingConfig = { data };
    const metadata = { ...server.model.metadata, trainingConfig };
    const described = describeModel({ metadata, bytes: new Uint8Array(1) }, { name: 'x', version: 1 });
    assert.deepEqual(described.data, { heldOut, hash: { test: data!.hash!.test } });
    assert.equal((await loadTestSplit({ ...loaded, data: described.data! }, { data: other })).test.count, 3);
  });

  async function map(): Promise<string> {
    const path = join(pictures, '..', 'map-2.json');
    await writeFile(path, '{"sky": "blue"}');
    return path;
  }
});
