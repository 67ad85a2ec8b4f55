import { execFile } from 'node:child_process';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage, UserError } from '../errors.ts';
import { makeFolder } from '../fs/make-folder.ts';
import { type Checksum, fileDigest } from './checksum.ts';
import { checkCifarBinary } from './cifar/read-binary.ts';
import type { CifarBinary } from './cifar/variant.ts';
import { CIFAR10_BINARY } from './cifar10.ts';
import { CIFAR100_BINARY } from './cifar100.ts';
import { FolderFiles } from './data-files.ts';
import { type DownloadOptions, downloadFile } from './download.ts';

/** The official archives, about 162 MB each, and their MD5 as their page states it. */
export const DOWNLOADS = {
  cifar100: {
    variant: CIFAR100_BINARY,
    url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
    checksum: { algorithm: 'md5', hex: '03b5dce01913d631647c71ecec9e9cb8' },
  },
  cifar10: {
    variant: CIFAR10_BINARY,
    url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
    checksum: { algorithm: 'md5', hex: 'c32a1d4ab5d03f1284b67883e8d87530' },
  },
} as const satisfies Record<string, { variant: CifarBinary; url: string; checksum: Checksum }>;

export type Downloadable = keyof typeof DOWNLOADS;

export interface InstallOptions extends Pick<DownloadOptions, 'onProgress' | 'retries' | 'retryDelayMs'> {
  /** Default `cifar100`. */
  dataset?: Downloadable;
  /** The folder to put the dataset's own folder in (`cifar-100-binary/`); made if need be. */
  dir: string;
  /** Default: the official archive. */
  url?: string | undefined;
  checksum?: Checksum | undefined;
  /** The program that unpacks; default `tar`. */
  tar?: string;
}

/**
 * Puts CIFAR-100 into `dir/cifar-100-binary` (or CIFAR-10 into `dir/cifar-10-batches-bin`): downloads (or takes an archive that lies in `dir` already),
 * verifies, unpacks beside the target and renames. Nothing is left half-made, and where the data is complete
 * already nothing is done.
 * @returns the folder, and whether it was there before
 * @throws UserError if the archive cannot be had, is another file or cannot be unpacked
 */
export async function installDataset(options: InstallOptions): Promise<{ folder: string; existed: boolean }> {
  const { dir, dataset = 'cifar100', tar = 'tar', url: _, checksum: __, ...download } = options;
  const { variant } = DOWNLOADS[dataset];
  const { url = DOWNLOADS[dataset].url, checksum = DOWNLOADS[dataset].checksum } = options;
  const folder = join(dir, variant.folder);
  if (await isComplete(folder, variant)) return { folder, existed: true };
  await makeFolder(dir, 'give another with --dir');
  const archive = join(dir, archiveName(url, variant));
  const given = await stat(archive).then(
    (info) => info.isFile(),
    () => false,
  );
  if (given) {
    const actual = await fileDigest(archive, checksum.algorithm);
    if (actual !== checksum.hex) {
      throw new UserError(
        `${archive} is not the expected archive: its ${checksum.algorithm} is ${actual}, not ${checksum.hex}; remove it and run again`,
      );
    }
  } else {
    await downloadFile({ ...download, url, path: archive, checksum });
  }
  await unpack(archive, dir, variant, tar);
  // An archive that somebody put there by hand stays theirs.
  if (!given) await rm(archive, { force: true });
  return { folder, existed: false };
}

function archiveName(url: string, variant: CifarBinary): string {
  let path: string;
  try {
    path = new URL(url).pathname;
  } catch {
    throw new UserError(`--url takes an http(s) address, not "${url}"`);
  }
  if (!/^https?:/i.test(url)) throw new UserError(`--url takes an http(s) address, not "${url}"`);
  return basename(path) || `${variant.folder}.tar.gz`;
}

async function isComplete(folder: string, variant: CifarBinary): Promise<boolean> {
  try {
    await checkCifarBinary(new FolderFiles(folder, variant.advice), variant);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

async function unpack(archive: string, dir: string, variant: CifarBinary, tar: string): Promise<void> {
  // One fixed name, so that what a killed run left is cleared by the next.
  const temporary = join(dir, `.${variant.folder}.unpacking`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  try {
    try {
      // Run inside the folder: GNU tar takes a colon in `-f C:\...` or `-f host:file` for a remote machine,
      // and the archive is named relative to it for the same reason.
      await promisify(execFile)(tar, ['-xzf', join('..', basename(archive))], { cwd: resolve(temporary) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        throw new UserError(
          `${tar} is not installed; install it, or unpack ${archive} into ${dir} by other means`,
        );
      }
      const reason = (error as { stderr?: string }).stderr?.trim().split('\n')[0] || errorMessage(error);
      throw new UserError(`cannot unpack ${archive}: ${reason}`);
    }
    const unpacked = join(temporary, variant.folder);
    await checkCifarBinary(new FolderFiles(unpacked, variant.advice), variant);
    const folder = join(dir, variant.folder);
    // A folder that is in the way was found incomplete above.
    await rm(folder, { recursive: true, force: true });
    await rename(unpacked, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
