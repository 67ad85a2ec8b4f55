/** A file and its path from the folder that was chosen or dropped, that folder's name first; of a bare file its name. */
export interface PathFile {
  file: File;
  path: string;
}

/** A model's file, or its file with what lies beside it, all in one folder that their paths begin with. */
export type ModelFiles = { name: string; file: Blob } | { name: string; files: PathFile[] };

/** What a drop or a paste holds; `folder` if there was one among it. */
export interface GivenFiles {
  files: PathFile[];
  folder: boolean;
}

/** What a model's folder is called that was given as its files. */
const SELECTION = 'the selection';
/** Where a model is in its folder: as it is, as Hugging Face has it, or as it is in its cache. */
const MODEL_PLACE = /^(snapshots\/[^/]+\/)?(onnx\/)?[^./][^/]*\.onnx$/i;
export const PICTURE: RegExp = /\.(png|jpe?g|jfif|webp|bmp|gif|avif)$/i;

/**
 * The model among files, with all that may lie beside it.
 * @returns undefined if there is none; where there are pictures too, a model that lies deeper than models do is none
 */
export function modelAmong(given: readonly PathFile[]): ModelFiles | undefined {
  const tops = new Set(given.map(({ path }) => path.split('/')[0]!));
  const [top] = tops;
  const folder = tops.size === 1 && given.every(({ path }) => path.includes('/')) ? top : undefined;
  const files =
    folder === undefined ? given.map((each) => ({ ...each, path: `${SELECTION}/${each.path}` })) : [...given];
  const models = files.filter(({ path }) => MODEL_PLACE.test(path.slice(path.indexOf('/') + 1)));
  const anywhere = given.some(({ path }) => /\.onnx$/i.test(path));
  if (models.length === 0 && (!anywhere || given.some(({ path }) => PICTURE.test(path)))) return undefined;
  if (folder !== undefined) return { name: folder, files };
  const beside = files.filter(({ path }) => !PICTURE.test(path));
  const [model, ...others] = models;
  if (!model || others.length > 0) return { name: SELECTION, files };
  // By itself it says enough, or else what is missing is assumed.
  const { file } = model;
  return beside.length === 1 ? { name: file.name, file } : { name: file.name, files };
}

/** Files of a folder's input. */
export function chosenFiles(files: Iterable<File>): PathFile[] {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * The files of a drop or a paste, those in folders too.
 * @param data to be read at once: it is empty when its event is over
 */
export async function givenFiles(data: DataTransfer | null): Promise<GivenFiles> {
  const bare = [...(data?.files ?? [])];
  const entries = [...(data?.items ?? [])].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return { files: chosenFiles(bare), folder: false };
  const lists = await Promise.all(entries.map((entry) => (entry ? filesIn(entry, entry.name) : [])));
  return { files: lists.flat(), folder: true };
}

/** What cannot be read is left out. */
async function filesIn(entry: FileSystemEntry, path: string): Promise<PathFile[]> {
  if (entry.isFile) {
    const read = new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return read.then(
      (file) => [{ file, path }],
      () => [],
    );
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: PathFile[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve) =>
      reader.readEntries(resolve, () => resolve([])),
    );
    // A folder is told in parts, and an empty one says that it is whole.
    if (some.length === 0) return found;
    for (const each of some) found.push(...(await filesIn(each, `${path}/${each.name}`)));
  }
}
