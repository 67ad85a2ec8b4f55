import { create } from '../dom/elements.ts';
import type { ExampleImage } from '../teach/protocol.ts';

const SHOWN = 14;

export interface ClassCardActions {
  /** Something of the card changed. */
  changed: () => void;
  camera: (card: ClassCard) => void;
  remove: (card: ClassCard) => void;
  /** Whether its pictures may be thrown away. */
  mayEmpty: (card: ClassCard) => boolean;
  /** A class of the data set was chosen to fill the card with. */
  cifar: (card: ClassCard, label: number) => void;
}

/** One class to teach: its name and its pictures. */
export class ClassCard {
  readonly element = create('section', 'class-card');
  readonly #name = create('input');
  readonly #thumbs = create('ul', 'class-thumbs');
  readonly #count = create('span', 'muted');
  readonly #onChange: () => void;
  readonly #addresses: string[] = [];
  #images: ExampleImage[] = [];

  /** @param cifar the names of the data set's classes; undefined if there is no data set */
  constructor(name: string, cifar: readonly string[] | undefined, actions: ClassCardActions) {
    this.#onChange = actions.changed;
    this.#name.value = name;
    this.#name.maxLength = 40;
    this.#name.addEventListener('input', () => {
      this.#label();
      actions.changed();
    });
    const file = create('input', 'file');
    file.type = 'file';
    file.accept = 'image/*';
    file.multiple = true;
    file.addEventListener('change', () => {
      this.add([...(file.files ?? [])]);
      file.value = '';
    });
    const choose = create('label', 'button', 'Pictures…');
    choose.append(file);
    const camera = button('Camera', () => actions.camera(this));
    const clear = button('Empty', () => {
      if (actions.mayEmpty(this)) this.replace([]);
    });
    const remove = button('Remove', () => actions.remove(this));
    for (const quiet of [clear, remove]) quiet.className = 'quiet';
    const head = create('div', 'row');
    head.append(this.#name, remove);
    const tools = create('div', 'controls');
    tools.append(choose, camera);
    if (cifar) tools.append(this.#cifarSelect(cifar, actions));
    const foot = create('div', 'row');
    foot.append(this.#count, clear);
    this.element.append(head, tools, this.#thumbs, foot);
    this.#label();
    this.#refresh();
  }

  get name(): string {
    return this.#name.value.trim();
  }

  set name(value: string) {
    this.#name.value = value;
    this.#label();
  }

  get images(): readonly ExampleImage[] {
    return this.#images;
  }

  /** Adds pictures. */
  add(images: readonly ExampleImage[]): void {
    this.#images.push(...images);
    this.#refresh();
  }

  /** Takes these pictures in place of those it has. */
  replace(images: readonly ExampleImage[]): void {
    this.#images = [...images];
    this.#refresh();
  }

  /** Frees what its pictures take. */
  dispose(): void {
    for (const address of this.#addresses.splice(0)) URL.revokeObjectURL(address);
    this.element.remove();
  }

  #label(): void {
    this.#name.setAttribute('aria-label', 'Name of the class');
    this.element.setAttribute('aria-label', `Class ${this.name}`);
  }

  #refresh(): void {
    for (const address of this.#addresses.splice(0)) URL.revokeObjectURL(address);
    this.#thumbs.replaceChildren(...this.#images.slice(-SHOWN).map((image) => this.#thumb(image)));
    this.#thumbs.hidden = this.#images.length === 0;
    const count = this.#images.length;
    this.#count.textContent = count === 0 ? 'no pictures yet' : `${count} picture${count === 1 ? '' : 's'}`;
    this.#onChange();
  }

  #thumb(image: ExampleImage): HTMLLIElement {
    const item = create('li');
    if (image instanceof Blob) {
      const picture = create('img');
      picture.alt = '';
      picture.src = URL.createObjectURL(image);
      this.#addresses.push(picture.src);
      item.append(picture);
    } else {
      const canvas = create('canvas');
      canvas.width = image.width;
      canvas.height = image.height;
      const pixels = new ImageData(new Uint8ClampedArray(image.data), image.width, image.height);
      canvas.getContext('2d')?.putImageData(pixels, 0, 0);
      item.append(canvas);
    }
    return item;
  }

  #cifarSelect(names: readonly string[], actions: ClassCardActions): HTMLSelectElement {
    const select = create('select');
    select.setAttribute('aria-label', 'Fill with a CIFAR-100 class');
    select.append(
      new Option('CIFAR class…', ''),
      ...names.map((name, i) => new Option(name.replaceAll('_', ' '), String(i))),
    );
    select.addEventListener('change', () => {
      if (select.value !== '') actions.cifar(this, Number(select.value));
      select.value = '';
    });
    return select;
  }
}

function button(text: string, onClick: () => void): HTMLButtonElement {
  const element = create('button', '', text);
  element.type = 'button';
  element.addEventListener('click', onClick);
  return element;
}
