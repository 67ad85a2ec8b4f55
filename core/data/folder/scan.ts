import { extname, join } from 'node:path';
import { UserError } from '../../errors.ts';
import { HEIC_ADVICE, HEIC_EXTENSIONS, PICTURE_EXTENSIONS } from '../../image/picture-file.ts';
import type { ImageTree } from './image-tree.ts';

const EXTENSION_NAMES = 'png, jpg, jpeg, webp, bmp, tif, gif, avif';
/** Labels are stored in 16 bits. */
const MAX_CLASSES = 65_535;
/** How many names an error lists. */
const MAX_LISTED = 5;

/** The image files of a split, by class. */
export type ClassFiles = Map<string, string[]>;

/** Counts of what is not read. */
export class Skipped {
  readonly #files = new Map<string, number>();
  #folders = 0;
  #heic = false;
  /** Image files that lie beside the class folders and so have no class. */
  #classless = 0;

  addFile(name: string): void {
    const extension = extname(name).toLowerCase();
    this.#files.set(extension, (this.#files.get(extension) ?? 0) + 1);
    if (HEIC_EXTENSIONS.includes(extension.slice(1))) this.#heic = true;
  }

  addFolder(): void {
    this.#folders++;
  }

  addClassless(): void {
    this.#classless++;
  }

  /** One line, or undefined if nothing was left out. */
  describe(): string | undefined {
    const ranked = [...this.#files].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    const parts = ranked.map(
      ([extension, count]) => `${count} ${extension === '' ? 'without an extension' : extension}`,
    );
    if (this.#classless > 0) parts.push(`${count(this.#classless, 'image')} beside the class folders`);
    if (this.#folders > 0) parts.push(`${count(this.#folders, 'folder')} inside class folders`);
    if (parts.length === 0) return undefined;
    const heic = this.#heic ? `; ${HEIC_ADVICE}` : '';
    return `not read: ${parts.join(', ')}${heic}`;
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/**
 * Lists `<folder>/<class>/*.png` and so on, classes and files in the order of their names. What begins with a
 * dot is passed over; other files and folders inside a class are too, and counted; links are followed.
 * @param skipped counts what is not read
 * @throws UserError if there is no class, or a class without images
 */
export async function scanSplit(tree: ImageTree, folder: string, skipped: Skipped): Promise<ClassFiles> {
  const classes: ClassFiles = new Map();
  for (const { name, folder: isClass } of await tree.list(folder)) {
    if (isClass) classes.set(name, await imagesOf(tree, join(folder, name), skipped));
    else if (isImage(name)) skipped.addClassless();
    else skipped.addFile(name);
  }
  if (classes.size === 0) {
    throw new UserError(`${folder} has no class folders; put its images into ${join(folder, '<class>')}/`);
  }
  if (classes.size > MAX_CLASSES) {
    throw new UserError(`${folder} has ${classes.size} classes; there can be ${MAX_CLASSES} at most`);
  }
  return classes;
}

/** @throws UserError if a class has none */
async function imagesOf(tree: ImageTree, folder: string, skipped: Skipped): Promise<string[]> {
  const entries = await tree.list(folder);
  const images = entries.filter((entry) => !entry.folder && isImage(entry.name)).map(({ name }) => name);
  const own = new Skipped();
  for (const counts of [skipped, own]) {
    for (const entry of entries) {
      if (entry.folder) counts.addFolder();
      else if (!isImage(entry.name)) counts.addFile(entry.name);
    }
  }
  if (images.length === 0) {
    const others = own.describe();
    throw new UserError(
      `${folder} has no image (${EXTENSION_NAMES})${others === undefined ? '' : `, ${others}`}; put some in, or remove the class from every split`,
    );
  }
  return images.map((file) => join(folder, file));
}

function isImage(name: string): boolean {
  return PICTURE_EXTENSIONS.has(extname(name).slice(1).toLowerCase());
}

/** @throws UserError naming the classes that only one of the folders has */
export function checkSameClasses(
  [train, trainFolder]: [ClassFiles, string],
  [test, testFolder]: [ClassFiles, string],
): void {
  const compare = (has: ClassFiles, hasName: string, lacks: ClassFiles, lacksName: string): void => {
    const extra = [...has.keys()].filter((name) => !lacks.has(name));
    if (extra.length === 0) return;
    const more = extra.length > MAX_LISTED ? ` and ${extra.length - MAX_LISTED} more` : '';
    const listed = extra.slice(0, MAX_LISTED).map((name) => JSON.stringify(name));
    throw new UserError(
      `${hasName} has the class ${listed.join(', ')}${more} that ${lacksName} lacks; both need the same classes`,
    );
  };
  compare(train, trainFolder, test, testFolder);
  compare(test, testFolder, train, trainFolder);
}

/** @throws UserError if there is one class only */
export function refuseOneClass(classes: ClassFiles, folder: string): void {
  if (classes.size === 1) {
    throw new UserError(`${folder} has one class only; there must be two at least to tell apart`);
  }
}

/** The images in turns, one of each class: the first N of a split are then of all classes. */
export function inTurns(classes: ClassFiles): { file: string; label: number }[] {
  const lists = [...classes.values()];
  const longest = lists.reduce((most, files) => Math.max(most, files.length), 0);
  const turns: { file: string; label: number }[] = [];
  for (let i = 0; i < longest; i++) {
    for (const [label, files] of lists.entries()) {
      const file = files[i];
      if (file !== undefined) turns.push({ file, label });
    }
  }
  return turns;
}
