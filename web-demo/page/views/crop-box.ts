import type { Region } from '../../../core/preprocess/region.ts';
import { arrowMove, byId } from '../dom/elements.ts';
import { moveRegion, resizeAround, resizeFromCorner } from '../picture/crop-region.ts';

/** The box over the picture that says what part the network looks at: by pointer, or by keyboard. */
export class CropBox {
  readonly #box = byId('crop', HTMLElement);
  readonly #stage = byId('stage', HTMLElement);
  readonly #onChange: (region: Region) => void;
  #size = { width: 1, height: 1 };
  #aspect = 1;
  #region: Region = { left: 0, top: 0, width: 1, height: 1 };

  /** @param onChange called with every new region, in pixels of the picture */
  constructor(onChange: (region: Region) => void) {
    this.#onChange = onChange;
    this.#box.addEventListener('pointerdown', (event) => this.#grab(event));
    this.#box.addEventListener('keydown', (event) => this.#key(event));
  }

  /** @param size of the picture in pixels */
  show(size: { width: number; height: number }, region: Region): void {
    this.#size = { width: size.width, height: size.height };
    this.#aspect = region.width / region.height;
    this.#place(region);
  }

  #set(region: Region): void {
    this.#place(region);
    this.#onChange(region);
  }

  #place(region: Region): void {
    this.#region = region;
    const { width, height } = this.#size;
    this.#box.style.left = `${(100 * region.left) / width}%`;
    this.#box.style.top = `${(100 * region.top) / height}%`;
    this.#box.style.width = `${(100 * region.width) / width}%`;
    this.#box.style.height = `${(100 * region.height) / height}%`;
    const share = Math.round((100 * region.height) / Math.min(height, width / this.#aspect));
    this.#box.setAttribute('aria-valuenow', String(Math.min(100, share)));
    this.#box.setAttribute(
      'aria-valuetext',
      `${region.width} by ${region.height} pixels at ${region.left}, ${region.top}`,
    );
  }

  #grab(event: PointerEvent): void {
    event.preventDefault();
    this.#box.focus({ preventScroll: true });
    this.#box.setPointerCapture(event.pointerId);
    const start = this.#region;
    const corner = (event.target as HTMLElement).dataset.corner;
    const scale = this.#size.width / this.#stage.getBoundingClientRect().width;
    const follow = (move: PointerEvent): void => {
      const dx = Math.round((move.clientX - event.clientX) * scale);
      const dy = Math.round((move.clientY - event.clientY) * scale);
      this.#set(
        corner
          ? resizeFromCorner(start, corner, dx, dy, this.#size, this.#aspect)
          : moveRegion(start, dx, dy, this.#size),
      );
    };
    const end = (): void => {
      this.#box.removeEventListener('pointermove', follow);
      this.#box.removeEventListener('pointerup', end);
      this.#box.removeEventListener('pointercancel', end);
    };
    this.#box.addEventListener('pointermove', follow);
    this.#box.addEventListener('pointerup', end);
    this.#box.addEventListener('pointercancel', end);
  }

  #key(event: KeyboardEvent): void {
    const step = Math.max(1, Math.round(Math.min(this.#size.width, this.#size.height) / 32));
    const move = arrowMove(event.key, step);
    if (move) this.#set(moveRegion(this.#region, ...move, this.#size));
    else if (event.key === '+' || event.key === '=')
      this.#set(resizeAround(this.#region, 2 * step, this.#size, this.#aspect));
    else if (event.key === '-') this.#set(resizeAround(this.#region, -2 * step, this.#size, this.#aspect));
    else return;
    event.preventDefault();
  }
}
