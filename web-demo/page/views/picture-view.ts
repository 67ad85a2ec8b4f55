import type { Region } from '../../../core/preprocess/region.ts';
import { centreRegion } from '../../../core/preprocess/region.ts';
import { byId } from '../dom/elements.ts';
import { ErrorLine } from '../dom/error-line.ts';
import { formatCount } from '../format.ts';
import type { Classification } from '../worker/protocol.ts';
import { CropBox } from './crop-box.ts';

/** The picture with its crop box, and what the net sees of it. */
export class PictureView {
  readonly error = new ErrorLine(byId('picture-error', HTMLElement));
  readonly #file = byId('picture-file', HTMLInputElement);
  readonly #hint = byId('drop-hint', HTMLElement);
  readonly #preview = byId('preview', HTMLElement);
  readonly #original = byId('original', HTMLImageElement);
  readonly #stage = byId('stage', HTMLElement);
  readonly #caption = byId('original-caption', HTMLElement);
  readonly #seen = byId('seen', HTMLCanvasElement);
  readonly #seenCaption = byId('seen-caption', HTMLElement);
  readonly #crop: CropBox;
  #shown: { picture: Blob; address: string; aspect: number } | undefined;

  /**
   * @param onFile called with a file chosen from disk
   * @param onCrop called with every new part of the picture to look at
   */
  constructor(onFile: (file: File) => void, onCrop: (region: Region) => void) {
    this.#crop = new CropBox(onCrop);
    this.#file.addEventListener('change', () => {
      const file = this.#file.files?.[0];
      if (file) onFile(file);
      this.#file.value = '';
    });
  }

  /** Shows a picture the worker could read; only then, so that a broken file never replaces a good one. */
  show(picture: Blob, { width, height, seen }: Classification): void {
    const aspect = seen.width / seen.height;
    if (this.#shown?.picture !== picture || this.#shown.aspect !== aspect) {
      if (this.#shown) URL.revokeObjectURL(this.#shown.address);
      this.#shown = { picture, address: URL.createObjectURL(picture), aspect };
      this.#original.src = this.#shown.address;
      // Smoothing would hide the very pixels of a picture of the data set.
      this.#original.classList.toggle('tiny', Math.max(width, height) <= 64);
      this.#stage.style.aspectRatio = `${width} / ${height}`;
      this.#stage.style.width = `${Math.min(100, (100 * width) / height)}%`;
      this.#caption.textContent = `original, ${formatCount(width)}×${formatCount(height)}`;
      this.#crop.show({ width, height }, centreRegion({ width, height }, aspect));
    }
    this.#seen.width = seen.width;
    this.#seen.height = seen.height;
    this.#seen.getContext('2d')?.putImageData(new ImageData(seen.rgba, seen.width, seen.height), 0, 0);
    this.#seenCaption.textContent = `what the network sees, ${seen.width}×${seen.height}`;
    this.#hint.hidden = true;
    this.#preview.hidden = false;
  }
}
