import { UserError } from '../../../core/errors.ts';
import { type PathFile, PICTURE } from '../picture/dropped-files.ts';

/** CIFAR-100's `test.bin`, of the page's server or picked by the reader. */
export type CifarSource = { name: string; url: string; bytes: number } | { name: string; file: File };

/** A picture of the reader's own, and what it shows. */
export interface LabelledPicture {
  file: File;
  /** Its place in the folder. */
  path: string;
  label: string;
}

/** Where the pictures of a test come from. */
export type TestSetSource = CifarSource | { name: string; pictures: LabelledPicture[] };

/** Of a dataset's folders, those that the net has not learnt from, best first. */
const TEST_FOLDERS = ['test', 'val', 'valid', 'validation'];

/**
 * The pictures of a folder that has one for each class; of a whole dataset, those to test on.
 * @throws UserError if there are none
 */
export function fromFolder(files: readonly PathFile[]): TestSetSource {
  const name = files[0]?.path.split('/')[0] ?? 'The folder';
  const all = files
    .filter(({ file, path }) => PICTURE.test(file.name) && !/(^|\/)\./.test(path))
    .map(({ file, path: whole }) => {
      const parts = whole.split('/').slice(1);
      return { file, path: parts.join('/'), parts };
    })
    .filter(({ parts }) => parts.length > 1);
  const part = TEST_FOLDERS.find((wanted) =>
    all.some(({ parts }) => parts.length > 2 && parts[0] === wanted),
  );
  const pictures = all
    .filter(({ parts }) => part === undefined || parts[0] === part)
    .map(({ file, path, parts }) => ({ file, path, label: parts.at(-2)! }));
  if (pictures.length === 0) {
    throw new UserError(
      `${name} has no pictures in folders named by their classes (${name}/cat/1.jpg); choose the folder that these are in.`,
    );
  }
  return { name: part === undefined ? name : `${name}/${part}`, pictures };
}

/**
 * Which class each picture is of, by names without regard to case, spaces and underscores.
 * @returns those that the model knows, and the names that it does not
 * @throws UserError if it knows none
 */
export function matchLabels(
  pictures: readonly LabelledPicture[],
  labels: readonly string[],
  what: string,
): { known: (LabelledPicture & { truth: number })[]; unknown: string[] } {
  const plain = (label: string): string => label.toLowerCase().replace(/[\s_-]+/g, ' ');
  const indices = new Map(labels.map((label, index) => [plain(label), index]));
  const known = pictures.flatMap((picture) => {
    const truth = indices.get(plain(picture.label));
    return truth === undefined ? [] : [{ ...picture, truth }];
  });
  const unknown = [...new Set(pictures.map(({ label }) => label))].filter(
    (label) => !indices.has(plain(label)),
  );
  if (known.length === 0) {
    throw new UserError(
      `${what} has the classes ${someOf(unknown)}, and the model knows none of them (it has ${someOf(labels)}).`,
    );
  }
  return { known, unknown };
}

/** A few names, and how many there are beside them. */
export function someOf(names: readonly string[]): string {
  const more = names.length - 5;
  return more > 0 ? `${names.slice(0, 5).join(', ')} and ${more} more` : names.join(', ');
}

/** How many bytes the test set has. */
export function sizeOfSource(source: CifarSource): number {
  return 'url' in source ? source.bytes : source.file.size;
}

/**
 * Reads a few bytes of it, without the other thirty megabytes where the server can do that.
 * @throws UserError if the server does not answer
 */
export async function readPart(source: CifarSource, start: number, end: number): Promise<Uint8Array> {
  if (!('url' in source)) return new Uint8Array(await source.file.slice(start, end).arrayBuffer());
  const response = await fetch(source.url, { headers: { Range: `bytes=${start}-${end - 1}` } }).catch(() => {
    throw new UserError(`${source.name} could not be fetched; is the server still running?`);
  });
  if (!response.ok) throw new UserError(`${source.name} is not on this server (status ${response.status}).`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  // 200 rather than 206: the server sent the whole file.
  return response.status === 206 ? bytes : bytes.slice(start, end);
}
