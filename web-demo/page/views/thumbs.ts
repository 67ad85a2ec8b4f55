import { create } from '../dom/elements.ts';

/** One picture in a row of examples. */
export interface Thumb {
  /** For screen readers and as a tooltip. */
  name: string;
  canvas: HTMLCanvasElement;
  /** What it was drawn from; absent: the canvas is all there is. */
  file?: File;
  /** Its class, where it is known. */
  truth?: string;
}

/** Fills a list with pictures to click on. */
export function showThumbs(list: HTMLElement, thumbs: Thumb[], onPick: (thumb: Thumb) => void): void {
  list.replaceChildren(
    ...thumbs.map((thumb) => {
      const button = create('button');
      button.type = 'button';
      button.title = thumb.name;
      button.setAttribute('aria-label', thumb.name);
      button.append(thumb.canvas);
      button.addEventListener('click', () => onPick(thumb));
      const item = create('li');
      item.append(button);
      return item;
    }),
  );
}

/** A canvas as a PNG file, which keeps every pixel. */
export function canvasFile(canvas: HTMLCanvasElement, name: string): Promise<File> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(new File([blob], `${name}.png`, { type: 'image/png' }));
      else reject(new Error('the browser could not encode the canvas'));
    }, 'image/png');
  });
}
