import type { LineChart } from '../../../core/plot/chart.ts';
import { renderLineChart } from '../../../core/plot/line-chart.ts';
import { create } from './create.ts';

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Draws charts into an element, and anew when the system turns dark or light. */
export class ChartArea {
  readonly #element: HTMLElement;
  #charts: readonly LineChart[] = [];

  constructor(element: HTMLElement) {
    this.#element = element;
    dark.addEventListener('change', () => this.show(this.#charts));
  }

  show(charts: readonly LineChart[]): void {
    this.#charts = charts;
    this.#element.replaceChildren(
      ...charts.map((chart) => {
        const frame = create('div', 'chart');
        // Drawn by our own code, which escapes every name; a theme of its own needs no style sheet inside.
        frame.innerHTML = renderLineChart(
          { width: 520, height: 320, ...chart },
          { theme: dark.matches ? 'dark' : 'light', inline: true },
        );
        return frame;
      }),
    );
  }
}
