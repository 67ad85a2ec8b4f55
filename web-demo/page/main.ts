import { UserError } from '../../core/errors.ts';
import { byId } from './dom/by-id.ts';
import { watchGivenFiles } from './dom/given-files.ts';
import { drawExamples } from './examples/drawings.ts';
import { pickTestPictures } from './examples/test-pictures.ts';
import { fetchSiteIndex } from './site-index.ts';
import type { TestSetSource } from './test-set/source.ts';
import { ModelView } from './views/model-view.ts';
import { PictureView } from './views/picture-view.ts';
import { ResultView } from './views/result-view.ts';
import { TestSetView } from './views/test-set-view.ts';
import { canvasFile, showThumbs, type Thumb } from './views/thumbs.ts';
import type { ModelSource, OpenedModel } from './worker/protocol.ts';
import { isAbort, WorkerClient } from './worker-client.ts';

const TEST_THUMBS = 12;

const client = new WorkerClient();
const modelView = new ModelView((source) => void openModel(source));
const pictureView = new PictureView((file) => void classify(file));
const resultView = new ResultView();
const testSetView = new TestSetView({
  run: (limit) => void runTestSet(limit),
  stop: () => evaluating?.abort(),
  chooseFile: (file) => chooseTestSet({ name: file.name, file }),
});

let model: OpenedModel | undefined;
let testSet: TestSetSource | undefined;
/** What to classify again when another model is opened. */
let picture: { file: Blob; truth: string | undefined } | undefined;
/** Whether there may be a model soon: a picture given meanwhile waits for it. */
let awaitingModel = true;
let opening: AbortController | undefined;
let evaluating: AbortController | undefined;
let lastClassification = 0;

showThumbs(byId('drawn-examples', HTMLElement), drawExamples(), (thumb) => void classifyThumb(thumb));
byId('shuffle', HTMLButtonElement).addEventListener('click', () => void showTestPictures());
watchGivenFiles(takeFile, (how) => {
  if (how === 'paste')
    pictureView.error.show(
      new UserError('The clipboard holds no picture; copy the picture itself, not its address.'),
    );
  else
    pictureView.error.show(
      new UserError('What you dropped is no file; save the picture first, then drop the file.'),
    );
});
void start();

async function start(): Promise<void> {
  try {
    const index = await fetchSiteIndex();
    const wanted = new URLSearchParams(location.search).get('model') ?? index.default;
    const first = index.models.find(({ name }) => name === wanted) ?? index.models[0];
    modelView.list(index.models, first?.name ?? '');
    if (index.testSet) {
      chooseTestSet({ name: 'CIFAR-100 test.bin on this server', ...index.testSet });
    }
    if (!first) throw new UserError('This server has no model; open an .onnx file.');
    await openModel(first);
  } catch (error) {
    awaitingModel = false;
    modelView.showFailed(error);
  }
}

/** Opens a model; a later choice overrides one that is still loading. */
async function openModel(source: ModelSource): Promise<void> {
  opening?.abort();
  const mine = new AbortController();
  opening = mine;
  awaitingModel = true;
  // A run on the old model would be cut off half way.
  evaluating?.abort();
  modelView.showLoading(source.name);
  try {
    model = await client.call('open', source, {
      signal: mine.signal,
      onProgress: (progress) => {
        if (opening === mine) modelView.showProgress(source.name, progress);
      },
    });
    if (opening !== mine) return;
    awaitingModel = false;
    modelView.showOpened(model);
    testSetView.setModelReady(true);
    void showTestPictures();
    if (picture) await classify(picture.file, picture.truth);
  } catch (error) {
    if (opening !== mine) return;
    awaitingModel = false;
    modelView.showFailed(error, model);
  }
}

/** Sorts a dropped or pasted file by its name: model, test set, or else a picture. */
function takeFile(file: File): void {
  if (/\.onnx$/i.test(file.name)) void openModel({ name: file.name, file });
  else if (/\.bin$/i.test(file.name)) chooseTestSet({ name: file.name, file });
  else void classify(file);
}

async function classifyThumb({ canvas, name, truth }: Thumb): Promise<void> {
  await classify(await canvasFile(canvas, name), truth);
}

/** @param truth the picture's class, where it is known */
async function classify(file: Blob, truth?: string): Promise<void> {
  const turn = ++lastClassification;
  pictureView.error.clear();
  if (!model) {
    if (awaitingModel) picture = { file, truth };
    else pictureView.error.show(new UserError('No model is open; open an .onnx file first.'));
    return;
  }
  resultView.showBusy();
  try {
    const result = await client.call('classify', file);
    if (turn !== lastClassification) return;
    picture = { file, truth };
    pictureView.show(file, result);
    resultView.show(result, truth);
  } catch (error) {
    if (turn !== lastClassification) return;
    resultView.showIdle();
    pictureView.error.show(error);
  }
}

function chooseTestSet(source: TestSetSource): void {
  if (evaluating) return;
  try {
    testSetView.showSource(source);
    testSet = source;
    void showTestPictures();
  } catch (error) {
    testSetView.error.show(error);
  }
}

async function showTestPictures(): Promise<void> {
  if (!testSet || !model || model.metadata.labels.length !== 100) {
    byId('test-examples', HTMLElement).hidden = true;
    return;
  }
  try {
    const thumbs = await pickTestPictures(testSet, model.metadata.labels, TEST_THUMBS);
    showThumbs(byId('test-thumbs', HTMLElement), thumbs, (thumb) => void classifyThumb(thumb));
    byId('test-examples', HTMLElement).hidden = false;
  } catch (error) {
    testSetView.error.show(error);
  }
}

async function runTestSet(limit: number): Promise<void> {
  if (!testSet || !model || evaluating) return;
  const trained = model.metadata.accuracy;
  const mine = new AbortController();
  evaluating = mine;
  testSetView.showStarted();
  try {
    const report = await client.call(
      'evaluate',
      { source: testSet, limit },
      { signal: mine.signal, onProgress: (state) => testSetView.showState(state) },
    );
    testSetView.showReport(report, trained);
  } catch (error) {
    testSetView.hideRun();
    if (!isAbort(error)) testSetView.error.show(error);
  } finally {
    evaluating = undefined;
    testSetView.showEnded();
  }
}
