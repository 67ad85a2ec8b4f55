import { byId, create } from '../dom/elements.ts';
import { formatCount, formatPercent } from '../format.ts';
import type { RunMessage, RunReport } from '../runs/run-message.ts';
import { ConfusionView } from './confusion-view.ts';
import { readable } from './result-view.ts';

/** The classes of one run, and what `test-model` found out about it. */
export class RunDetails {
  readonly #card = byId('run-details', HTMLElement);
  readonly #classes = byId('run-classes', HTMLElement);
  readonly #tested = byId('run-tested', HTMLElement);
  readonly #place = byId('run-confusion', HTMLElement);
  readonly #confusion = new ConfusionView(this.#place);
  readonly #examples = byId('run-examples', HTMLElement);
  /** What is shown, and how it then was. */
  #shown: { run: RunMessage; key: string } | undefined;

  /** @param run undefined hides it */
  async show(run: RunMessage | undefined): Promise<void> {
    const { labels } = run?.config ?? {};
    const names = Array.isArray(labels) ? labels.map(String) : [];
    this.#card.hidden = !run || names.length === 0;
    const key = run ? `${run.summary.path} ${run.changed}` : '';
    if (!run || this.#shown?.key === key) return;
    if (this.#shown?.run.summary.path !== run.summary.path) this.#clear();
    const mine = { run, key };
    this.#shown = mine;
    this.#classes.textContent = `${formatCount(names.length)}: ${names.map(readable).join(', ')}`;
    const query = new URLSearchParams({ run: run.summary.path });
    const report = await fetch(`runs/report?${query}`)
      .then((response) => (response.ok ? (response.json() as Promise<RunReport | null>) : null))
      .catch(() => null);
    if (this.#shown === mine) this.#fill(run, report);
  }

  #clear(): void {
    this.#place.hidden = true;
    this.#tested.textContent = '';
    this.#examples.replaceChildren();
  }

  #fill({ summary }: RunMessage, report: RunReport | null): void {
    const size = report?.classes?.length ?? 0;
    const counts = report?.confusion?.flat() ?? [];
    if (!report || counts.length !== size ** 2) {
      this.#tested.textContent = `What it takes for what: npm run test-model -- --weights ${summary.path}/best.safetensors`;
      return;
    }
    const file = report.weights.split(/[\\/]/).at(-1);
    this.#tested.textContent = `${file} on ${formatCount(report.images)} test images of ${report.dataset}: ${formatPercent(report.top1)} right. Rows are true classes, columns what they are taken for.`;
    this.#place.hidden = false;
    this.#confusion.show(
      Uint32Array.from(counts),
      report.classes.map(({ name }) => name),
    );
    const examples = report.examples ?? [];
    const right = examples.filter(({ truth, guess }) => truth === guess);
    const wrong = examples.filter(({ truth, guess }) => truth !== guess);
    this.#examples.replaceChildren(list('Surest and right', right), list('Surest and wrong', wrong));
    this.#examples.hidden = examples.length === 0;
  }
}

function list(title: string, examples: NonNullable<RunReport['examples']>): HTMLElement {
  const box = create('div');
  const items = create('ol', 'pairs');
  items.append(
    ...examples.map(({ image, truth, guess, probability, picture }) => {
      const item = create('li');
      if (picture !== undefined) {
        const shown = create('img', 'example');
        shown.src = picture;
        // Its name stands beside it.
        shown.alt = '';
        item.append(shown);
      }
      const said = truth === guess ? readable(guess) : `${readable(truth)} → ${readable(guess)}`;
      item.append(
        create('span', '', `${image}: ${said}`),
        create('strong', '', formatPercent(probability, 0)),
      );
      return item;
    }),
  );
  box.append(create('h3', '', title), items);
  return box;
}
