import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, UserError } from '../../errors.ts';

const EXTENSIONS = /\.(png|jpe?g|webp)$/i;
const EXTENSION_NAMES = 'png, jpg, jpeg, webp';
/** Labels are stored in 16 bits. */
const MAX_CLASSES = 65_535;
/** How many names an error lists. */
const MAX_LISTED = 5;

/** The image files of a split, by class. */
export type ClassFiles = Map<string, string[]>;

/**
 * Lists `<folder>/<class>/*.png` and so on, classes and files in the order of their names. What begins with a
 * dot, other files and folders inside a class are passed over; links are followed.
 * @throws UserError if there is no class, or a class without images
 */
export async function scanSplit(folder: string): Promise<ClassFiles> {
  const classes: ClassFiles = new Map();
  for (const name of await names(folder)) {
    const path = join(folder, name);
    if (!(await stat(path)).isDirectory()) continue;
    const images = (await names(path)).filter((file) => EXTENSIONS.test(file));
    if (images.length === 0) {
      throw new UserError(
        `${path} has no image (${EXTENSION_NAMES}); put some in, or remove the class from every split`,
      );
    }
    classes.set(
      name,
      images.map((file) => join(path, file)),
    );
  }
  if (classes.size === 0) {
    throw new UserError(`${folder} has no class folders; put its images into ${join(folder, '<class>')}/`);
  }
  if (classes.size > MAX_CLASSES) {
    throw new UserError(`${folder} has ${classes.size} classes; there can be ${MAX_CLASSES} at most`);
  }
  return classes;
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
  if (train.size === 1) {
    throw new UserError(`${trainFolder} has one class only; there must be two at least to tell apart`);
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

/** Names in a folder by code points: the same on every machine, whatever its language. */
async function names(folder: string): Promise<string[]> {
  const found = await readdir(folder).catch((error: unknown) => {
    throw new UserError(`cannot read ${folder}: ${errorMessage(error)}`);
  });
  return found.filter((name) => !name.startsWith('.')).sort();
}
