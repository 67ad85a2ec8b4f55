import { arrowMove, byId, create } from '../dom/elements.ts';
import { canvasFile } from './thumbs.ts';

const COLORS: readonly [string, string][] = [
  ['black', '#1d1d26'],
  ['white', '#ffffff'],
  ['red', '#d43c30'],
  ['orange', '#f08a24'],
  ['yellow', '#f7cf3d'],
  ['green', '#3f9142'],
  ['sky', '#6db3e8'],
  ['blue', '#2456a6'],
  ['brown', '#7a4f2a'],
  ['pink', '#ee9ab0'],
];
const UNDO_STEPS = 20;

/** Something to draw on; every stroke is classified at once. */
export class DrawDialog {
  readonly #dialog = byId('draw', HTMLDialogElement);
  readonly #canvas = byId('draw-canvas', HTMLCanvasElement);
  readonly #size = byId('draw-size', HTMLInputElement);
  readonly #guess = byId('draw-guess', HTMLElement);
  readonly #context: CanvasRenderingContext2D;
  readonly #onPicture: (file: File) => Promise<string>;
  #color = COLORS[0]![1];
  #undo: ImageData[] = [];
  /** Where the keyboard's brush is, and whether it is down. */
  #brush = { x: 128, y: 128, down: false };

  /** @param onPicture called after every stroke; gives the best guess in a line */
  constructor(onPicture: (file: File) => Promise<string>) {
    this.#onPicture = onPicture;
    const context = this.#canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('this browser has no 2D canvas');
    this.#context = context;
    this.#wipe();
    this.#fillColors();
    this.#canvas.addEventListener('pointerdown', (event) => this.#draw(event));
    this.#canvas.addEventListener('keydown', (event) => this.#key(event));
    byId('draw-undo', HTMLButtonElement).addEventListener('click', () => this.#takeBack());
    byId('draw-clear', HTMLButtonElement).addEventListener('click', () => {
      this.#remember();
      this.#wipe();
      void this.#changed();
    });
    this.#dialog.querySelector('[data-close]')?.addEventListener('click', () => this.#dialog.close());
  }

  open(): void {
    this.#guess.textContent = 'Draw something: an orange, a rocket, the sea…';
    this.#dialog.showModal();
    this.#canvas.focus();
  }

  #wipe(): void {
    this.#context.fillStyle = '#ffffff';
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  #fillColors(): void {
    const list = byId('draw-colors', HTMLElement);
    COLORS.forEach(([name, value], i) => {
      const label = create('label');
      label.title = name;
      const input = create('input');
      input.type = 'radio';
      input.name = 'color';
      input.checked = i === 0;
      input.setAttribute('aria-label', name);
      input.addEventListener('change', () => {
        this.#color = value;
      });
      const dot = create('span');
      dot.style.background = value;
      label.append(input, dot);
      list.append(label);
    });
  }

  #draw(event: PointerEvent): void {
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    this.#canvas.setPointerCapture(event.pointerId);
    this.#remember();
    let last = this.#at(event);
    this.#line(last, last);
    const follow = (move: PointerEvent): void => {
      const next = this.#at(move);
      this.#line(last, next);
      last = next;
    };
    const end = (): void => {
      this.#canvas.removeEventListener('pointermove', follow);
      this.#canvas.removeEventListener('pointerup', end);
      this.#canvas.removeEventListener('pointercancel', end);
      void this.#changed();
    };
    this.#canvas.addEventListener('pointermove', follow);
    this.#canvas.addEventListener('pointerup', end);
    this.#canvas.addEventListener('pointercancel', end);
  }

  #at(event: PointerEvent): { x: number; y: number } {
    const box = this.#canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.#canvas.width,
      y: ((event.clientY - box.top) / box.height) * this.#canvas.height,
    };
  }

  #line(from: { x: number; y: number }, to: { x: number; y: number }): void {
    const context = this.#context;
    context.strokeStyle = this.#color;
    context.lineWidth = Number(this.#size.value);
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }

  #key(event: KeyboardEvent): void {
    const step = 8;
    const move = arrowMove(event.key, step);
    if (move) {
      const from = { x: this.#brush.x, y: this.#brush.y };
      this.#brush.x = Math.max(0, Math.min(this.#canvas.width, from.x + move[0]));
      this.#brush.y = Math.max(0, Math.min(this.#canvas.height, from.y + move[1]));
      if (this.#brush.down) this.#line(from, this.#brush);
    } else if (event.key === ' ') {
      this.#brush.down = !this.#brush.down;
      if (this.#brush.down) {
        this.#remember();
        this.#line(this.#brush, this.#brush);
      } else void this.#changed();
    } else return;
    event.preventDefault();
  }

  #remember(): void {
    this.#undo.push(this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height));
    if (this.#undo.length > UNDO_STEPS) this.#undo.shift();
  }

  #takeBack(): void {
    const before = this.#undo.pop();
    if (!before) return;
    this.#context.putImageData(before, 0, 0);
    void this.#changed();
  }

  async #changed(): Promise<void> {
    this.#guess.textContent = await this.#onPicture(await canvasFile(this.#canvas, 'drawing'));
  }
}
