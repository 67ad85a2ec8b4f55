import { byId } from '../dom/elements.ts';
import { formatCount, formatMs } from '../format.ts';
import type { HeatMap } from '../worker/protocol.ts';
import { heatColor } from './heat-colors.ts';
import { readable } from './result-view.ts';

/** How strongly the map covers the picture where it is cold and where it is hot. */
const OPACITY = { cold: 0.62, hot: 0.72 };

/** The heat map over what the net sees. */
export class HeatView {
  readonly #canvas = byId('heat', HTMLCanvasElement);
  readonly #legend = byId('heat-legend', HTMLElement);
  readonly #text = byId('heat-text', HTMLElement);
  readonly #button = byId('explain', HTMLButtonElement);

  /** @param onToggle called with whether the map is wanted */
  constructor(onToggle: (wanted: boolean) => void) {
    this.#button.addEventListener('click', () => onToggle(!this.isOn));
  }

  get isOn(): boolean {
    return this.#button.getAttribute('aria-pressed') === 'true';
  }

  showBusy(done: number, total: number): void {
    this.#press(true);
    this.#legend.hidden = false;
    this.#text.textContent = `Covering one part after the other: ${formatCount(done)} of ${formatCount(total)}`;
  }

  show(map: HeatMap, label: string): void {
    const { width, height, values } = map;
    const most = values.reduce((max, value) => Math.max(max, value), 0);
    const pixels = new ImageData(width, height);
    values.forEach((value, i) => {
      const heat = most > 0 ? Math.max(0, value / most) : 0;
      const opacity = OPACITY.cold + (OPACITY.hot - OPACITY.cold) * heat;
      pixels.data.set([...heatColor(heat), Math.round(255 * opacity)], i * 4);
    });
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#canvas.getContext('2d')?.putImageData(pixels, 0, 0);
    this.#canvas.hidden = false;
    this.#canvas.dataset.most = String(most);
    this.#canvas.setAttribute('aria-label', `Heat map for ${readable(label)}`);
    this.#text.textContent =
      most > 0
        ? `Bright: hide it and “${readable(label)}” loses most (${formatCount(map.runs)} runs, ${formatMs(map.ms)})`
        : `No part speaks for “${readable(label)}”: hiding any of them only helps it`;
  }

  hide(): void {
    this.#press(false);
    this.#canvas.hidden = true;
    this.#legend.hidden = true;
  }

  #press(on: boolean): void {
    this.#button.setAttribute('aria-pressed', String(on));
    this.#button.textContent = on ? 'Hide the heat map' : 'Show where it looks';
  }
}
