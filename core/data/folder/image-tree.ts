import { type Dirent, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { errorMessage, UserError } from '../../errors.ts';
import { openRegularFile, readRegularFile } from '../../fs/regular-file.ts';

/** A name in a folder, and whether it is that of a folder. */
export interface TreeEntry {
  name: string;
  folder: boolean;
}

/** Folders and files that are read the same way, wherever they lie. What begins with a dot is not in it. */
export interface ImageTree {
  /**
   * What is in a folder, in the order of names by code points, which is the same in every language.
   * @throws UserError if it cannot be read
   */
  list(folder: string): Promise<TreeEntry[]>;
  /** @throws UserError naming the file if it cannot be read, or is a pipe or a device */
  read(file: string): Promise<Buffer>;
  close(): void;
}

/** What may be a picture, by its name; more than is read, so that it can be said of the rest why not. */
export const PICTURE_NAME = /\.(png|jpe?g|jpe|jfif|webp|bmp|dib|tiff?|gif|avif|hei[cf]|hif)$/i;

/** The files of a zip archive, or else those of the file system, where links are followed. */
export async function openTree(path: string): Promise<ImageTree> {
  return (await isZip(path)) ? ZipTree.open(path) : DISK;
}

/** Whether a file begins as zip archives do. */
export async function isZip(path: string): Promise<boolean> {
  const file = await openRegularFile(path).catch(() => undefined);
  try {
    const { buffer, bytesRead } = (await file?.read(Buffer.alloc(4), 0, 4, 0)) ?? { bytesRead: 0 };
    return bytesRead === 4 && ['PK\x03\x04', 'PK\x05\x06'].includes(buffer!.toString('latin1'));
  } finally {
    await file?.close();
  }
}

const DISK: ImageTree = {
  async list(folder) {
    const found = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      throw new UserError(`cannot read ${folder}: ${errorMessage(error)}`);
    });
    return inOrder(found.map((entry) => ({ name: entry.name, folder: leadsToFolder(folder, entry) })));
  },
  read: (file) =>
    readRegularFile(file).catch((error: unknown) => {
      throw new UserError(`cannot read ${file}: ${errorMessage(error)}; remove or replace it`);
    }),
  close: () => {},
};

function leadsToFolder(folder: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return statSync(join(folder, entry.name)).isDirectory();
  } catch {
    // It leads nowhere or in a circle: who reads it is told.
    return false;
  }
}

function inOrder(entries: TreeEntry[]): TreeEntry[] {
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  return visible.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A picture in an archive that claims to be larger is none: what unpacks without end would fill the memory. */
const MAX_PICTURE_BYTES = 512 * 1024 * 1024;
/** What macOS puts beside the files that it packs. */
const RESOURCE_FORKS = '__MACOSX';

/** A zip archive, whose files are called `<archive>/<path in it>`; nothing of it is written anywhere. */
class ZipTree implements ImageTree {
  readonly #folders = new Map<string, Map<string, Entry | 'folder'>>();

  private constructor(
    readonly path: string,
    private readonly zip: ZipFile,
  ) {
    this.#folders.set(path, new Map());
  }

  /** @throws UserError if the archive is damaged, or in a form that is not read */
  static async open(path: string): Promise<ZipTree> {
    const damaged = (error: unknown) =>
      new UserError(`${path} is a damaged zip archive (${errorMessage(error)}); copy it again, or unzip it`);
    const zip = await openPromise(path, { autoClose: false }).catch((error: unknown) => {
      throw damaged(error);
    });
    try {
      const tree = new ZipTree(path, zip);
      for await (const entry of zip.eachEntry()) tree.#add(entry);
      return tree;
    } catch (error) {
      zip.close();
      throw damaged(error);
    }
  }

  #add(entry: Entry): void {
    const parts = nameOf(entry).split('/');
    if (parts[0] === RESOURCE_FORKS || parts.includes('..')) return;
    // A folder's own entry ends with a slash.
    const file = parts.pop()!;
    let folder = this.path;
    for (const part of parts) folder = this.#folderIn(folder, part);
    if (file !== '') this.#folders.get(folder)!.set(file, entry);
  }

  #folderIn(folder: string, name: string): string {
    const inside = join(folder, name);
    this.#folders.get(folder)!.set(name, 'folder');
    if (!this.#folders.has(inside)) this.#folders.set(inside, new Map());
    return inside;
  }

  async list(folder: string): Promise<TreeEntry[]> {
    const found = this.#folders.get(join(folder)) ?? new Map<string, Entry | 'folder'>();
    return inOrder([...found].map(([name, entry]) => ({ name, folder: entry === 'folder' })));
  }

  async read(file: string): Promise<Buffer> {
    const refused = (reason: string) => new UserError(`cannot read ${file}: ${reason}; remove or replace it`);
    const entry = this.#folders.get(join(file, '..'))?.get(file.slice(join(file, '..').length + 1));
    if (entry === undefined || entry === 'folder') throw refused('it is not in the archive');
    if (entry.uncompressedSize > MAX_PICTURE_BYTES) throw refused('it is too large for a picture');
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of await this.zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    } catch (error) {
      throw refused(errorMessage(error));
    }
  }

  close(): void {
    this.zip.close();
  }
}

/** Some programs, macOS's own among them, write UTF-8 and do not say so. */
function nameOf(entry: Entry): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(entry.fileNameRaw).replaceAll('\\', '/');
  } catch {
    return entry.fileName;
  }
}
