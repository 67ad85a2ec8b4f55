import { byId } from '../dom/by-id.ts';
import { ErrorLine } from '../dom/error-line.ts';
import { formatCount } from '../format.ts';
import type { Classification } from '../worker/protocol.ts';

/** The drop zone with the picture and what the net sees of it. */
export class PictureView {
  readonly error = new ErrorLine(byId('picture-error', HTMLElement));
  readonly #file = byId('picture-file', HTMLInputElement);
  readonly #hint = byId('drop-hint', HTMLElement);
  readonly #preview = byId('preview', HTMLElement);
  readonly #original = byId('original', HTMLImageElement);
  readonly #caption = byId('original-caption', HTMLElement);
  readonly #seen = byId('seen', HTMLCanvasElement);
  readonly #seenCaption = byId('seen-caption', HTMLElement);
  #address: string | undefined;

  /** @param onFile called with a file chosen in the drop zone */
  constructor(onFile: (file: File) => void) {
    this.#file.addEventListener('change', () => {
      const file = this.#file.files?.[0];
      if (file) onFile(file);
      this.#file.value = '';
    });
  }

  /** Shows a picture the worker could read; only then, so that a broken file never replaces a good one. */
  show(picture: Blob, { width, height, seen }: Classification): void {
    if (this.#address !== undefined) URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(picture);
    this.#original.src = this.#address;
    // Smoothing would hide the very pixels of a picture of the data set.
    this.#original.classList.toggle('tiny', Math.max(width, height) <= 64);
    this.#caption.textContent = `original, ${formatCount(width)}×${formatCount(height)}`;
    this.#seen.width = seen.width;
    this.#seen.height = seen.height;
    this.#seen.getContext('2d')?.putImageData(new ImageData(seen.rgba, seen.width, seen.height), 0, 0);
    this.#seenCaption.textContent = `what the network sees, ${seen.width}×${seen.height}`;
    this.#hint.hidden = true;
    this.#preview.hidden = false;
  }
}
