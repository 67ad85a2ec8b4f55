import { ClassifyPage } from './app/classify-page.ts';
import { type InferenceClient, OpenModel } from './app/open-model.ts';
import { RunsPage } from './app/runs-page.ts';
import { TeachPage } from './app/teach-page.ts';
import { TestPage } from './app/test-page.ts';
import { byId } from './dom/elements.ts';
import { type GivenFiles, givenFiles, modelAmong } from './picture/dropped-files.ts';
import { keepForOffline } from './service-worker/register.ts';
import { fetchSiteIndex } from './site-index.ts';
import { CameraDialog } from './views/camera-dialog.ts';
import { WorkerClient } from './worker-client.ts';

const worker = new Worker(new URL('./worker/worker.ts', import.meta.url), { type: 'module' });
const client: InferenceClient = new WorkerClient(worker);
const camera = new CameraDialog();
const open: OpenModel = new OpenModel(
  client,
  // A run on the old model would be cut off half way.
  () => testPage.stop(),
  () => classifyPage.firstPicture(),
  (model) => {
    void classifyPage.modelOpened();
    testPage.modelOpened();
    teachPage.modelOpened(model);
  },
);
const classifyPage = new ClassifyPage(client, open, camera);
const testPage = new TestPage(client, open, (thumb) => void classifyPage.classifyThumb(thumb));
const teachPage = new TeachPage(open, camera, testPage);
const runsPage = new RunsPage();
let view = 'classify';

// What scrolls must be reachable by keyboard, which not every browser sees to.
for (const box of document.querySelectorAll<HTMLElement>('.table-scroll')) box.tabIndex = 0;
watchGivenFiles(takeFiles, (how) => classifyPage.refuse(how));
void start();

async function start(): Promise<void> {
  const index = await fetchSiteIndex().catch((error: unknown) => {
    open.fail(error);
    return undefined;
  });
  runsPage.setStream(index?.runs);
  startNavigation((name) => {
    view = name;
    runsPage.setVisible(name === 'runs');
  });
  if (index?.testSet) testPage.choose({ name: 'CIFAR-100 test.bin on this server', ...index.testSet });
  if (index) await open.openFirst(index).catch((error: unknown) => open.fail(error));
  // Last: what it keeps must not compete with what the page waits for.
  const { model, source } = open;
  await keepForOffline([
    ...(model ? [model.runtimeUrl] : []),
    ...(source && 'url' in source ? [source.url] : []),
  ]);
}

/**
 * Sorts dropped or pasted files by their names: a model with what is beside it, a test set, or else pictures; a folder's
 * are to test on.
 */
function takeFiles({ files: given, folder }: GivenFiles): void {
  const files = given.map(({ file }) => file);
  const [file] = files;
  if (!file) return;
  const model = modelAmong(given);
  if (model) {
    void open.open(model);
    return;
  }
  if (folder && view !== 'teach') {
    location.hash = '#test';
    testPage.chooseFolder(given);
    return;
  }
  if (/\.bin$/i.test(file.name)) testPage.choose({ name: file.name, file });
  else if (view === 'teach') teachPage.take(files);
  else {
    if (view !== 'classify') location.hash = '#classify';
    void classifyPage.classify(file);
  }
}

/** Shows the view that the address names, `#test` for instance, and marks its link. */
function startNavigation(onShow: (view: string) => void): void {
  const links = [...byId('views', HTMLElement).querySelectorAll('a')];
  const show = (): void => {
    const wanted = location.hash.slice(1);
    const known = links.some((link) => link.hash === `#${wanted}` && !link.hidden);
    const view = known ? wanted : 'classify';
    for (const link of links) {
      const current = link.hash === `#${view}`;
      byId(link.hash.slice(1), HTMLElement).hidden = !current;
      if (current) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    onShow(view);
  };
  addEventListener('hashchange', () => {
    // "Skip to the content" is a link too, but to no view.
    if (location.hash !== '#main') {
      show();
      scrollTo(0, 0);
    }
  });
  show();
}

/**
 * Calls `onFiles` for files dropped anywhere on the page or pasted into it; `onNothing` when what was dropped
 * or pasted holds no file. While a file is dragged over the page, its
 * body has the class `dragging`.
 */
function watchGivenFiles(
  onFiles: (given: GivenFiles) => void,
  onNothing: (how: 'drop' | 'paste') => void,
): void {
  const { body } = document;
  document.addEventListener('dragover', (event) => {
    // Without this the browser would leave the page and open the file.
    event.preventDefault();
    body.classList.add('dragging');
  });
  document.addEventListener('dragleave', (event) => {
    // It also fires from one element to the next; only leaving the window has nowhere to go.
    if (event.relatedTarget === null) body.classList.remove('dragging');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    body.classList.remove('dragging');
    void give(event.dataTransfer, 'drop');
  });
  document.addEventListener('paste', (event) => {
    // Text pasted into a field is meant for that field.
    if (event.target instanceof HTMLInputElement) return;
    void give(event.clipboardData, 'paste');
  });

  async function give(data: DataTransfer | null, how: 'drop' | 'paste'): Promise<void> {
    const given = await givenFiles(data);
    if (given.files.length > 0) onFiles(given);
    else onNothing(how);
  }
}
