import { type LineChart, renderLineChart } from '../../../core/plot/line-chart.ts';
import { create } from './elements.ts';

const dark = matchMedia('(prefers-color-scheme: dark)');
const narrow = matchMedia('(max-width: 760px)');

/** In the chart's own units: a chart shrunk to a phone's width would have letters too small to read. */
const size = (): { width: number; height: number } =>
  narrow.matches ? { width: 340, height: 260 } : { width: 520, height: 320 };

/** Draws charts into an element, and anew when the system turns dark or light, or the page narrow or wide. */
export class ChartArea {
  readonly #element: HTMLElement;
  #charts: readonly LineChart[] = [];

  constructor(element: HTMLElement) {
    this.#element = element;
    for (const query of [dark, narrow]) query.addEventListener('change', () => this.show(this.#charts));
  }

  show(charts: readonly LineChart[]): void {
    this.#charts = charts;
    this.#element.replaceChildren(
      ...charts.map((chart) => {
        const frame = create('div', 'chart');
        // Drawn by our own code, which escapes every name; a theme of its own needs no style sheet inside.
        frame.innerHTML = renderLineChart(
          { ...size(), ...chart },
          { theme: dark.matches ? 'dark' : 'light', inline: true },
        );
        return frame;
      }),
    );
  }
}
