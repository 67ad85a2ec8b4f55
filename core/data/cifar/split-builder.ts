import { UserError } from '../../errors.ts';
import type { ImageSplit } from '../dataset.ts';
import { CIFAR_IMAGE_BYTES, type CifarVariant } from './variant.ts';

const UNSEEN = 0xffff;

/** Which superclass each class is in, as far as images have told. */
export function unknownSuperclasses(variant: CifarVariant): Uint16Array {
  return new Uint16Array(variant.classes).fill(UNSEEN);
}

/** Collects the images of a split in shared memory and checks their labels. */
export class SplitBuilder {
  readonly #variant: CifarVariant;
  readonly #superclassOf: Uint16Array;
  readonly #split: ImageSplit;
  readonly #seen: Uint8Array;
  #next = 0;

  /**
   * @param count how many images there will be
   * @param superclassOf filled by the first image of each class; every later one, of either split, must agree
   */
  constructor(variant: CifarVariant, count: number, superclassOf: Uint16Array) {
    this.#variant = variant;
    this.#superclassOf = superclassOf;
    this.#seen = new Uint8Array(variant.classes);
    this.#split = {
      count,
      images: new Uint8Array(new SharedArrayBuffer(count * CIFAR_IMAGE_BYTES)),
      labels: new Uint16Array(new SharedArrayBuffer(count * Uint16Array.BYTES_PER_ELEMENT)),
    };
  }

  /**
   * @param file what to call its file in a message, and `record` its place in it
   * @param superclass ignored where the dataset has none
   * @throws UserError if a label is out of range or at odds with an earlier image
   */
  add(file: string, record: number, image: Uint8Array, label: number, superclass: number): void {
    this.#check(file, record, label, superclass);
    this.#superclassOf[label] = superclass;
    this.#seen[label] = 1;
    this.#split.labels[this.#next] = label;
    this.#split.images.set(image, this.#next * CIFAR_IMAGE_BYTES);
    this.#next += 1;
  }

  /** @throws UserError if a class has no image */
  finish(file: string): ImageSplit {
    const { title, advice, classes } = this.#variant;
    const absent = this.#seen.indexOf(0);
    if (absent !== -1 && this.#split.count >= classes) {
      throw new UserError(`${file} has no image of class ${absent}, so it is not ${title}; ${advice}`);
    }
    return this.#split;
  }

  #check(file: string, record: number, label: number, superclass: number): void {
    const { title, advice, classes, superclasses } = this.#variant;
    if (label >= classes || (superclasses > 0 && superclass >= superclasses)) {
      throw new UserError(
        superclasses > 0
          ? `${file}, image ${record}: label ${label} (superclass ${superclass}) is outside ${title}'s ` +
              `${classes} classes (${superclasses} superclasses); ${advice}`
          : `${file}, image ${record}: label ${label} is outside ${title}'s ${classes} classes; ${advice}`,
      );
    }
    const known = this.#superclassOf[label]!;
    if (superclasses > 0 && known !== UNSEEN && known !== superclass) {
      throw new UserError(
        `${file}, image ${record}: class ${label} is in superclass ${superclass} here and in ${known} before, ` +
          `so the file is damaged; ${advice}`,
      );
    }
  }
}
