/** A file and its path from the folder that was chosen or dropped, that folder's name first; of a bare file its name. */
export interface PathFile {
  file: File;
  path: string;
}

/** What a drop or a paste holds; `folder` if there was one among it. */
export interface GivenFiles {
  files: PathFile[];
  folder: boolean;
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
