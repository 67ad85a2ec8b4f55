import { execFile } from 'node:child_process';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage, UserError } from '../errors.ts';
import { type Checksum, fileDigest } from './checksum.ts';
import { CIFAR100_FOLDER, checkCifar100Files } from './cifar100.ts';
import { type DownloadOptions, downloadFile } from './download.ts';

/** The official archive, 161 MB, and its MD5 as its page states it (https://www.cs.toronto.edu/~kriz/cifar.html). */
export const CIFAR100_URL = 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz';
export const CIFAR100_CHECKSUM: Checksum = { algorithm: 'md5', hex: '03b5dce01913d631647c71ecec9e9cb8' };

export interface InstallOptions extends Pick<DownloadOptions, 'onProgress' | 'retries' | 'retryDelayMs'> {
  /** The folder to put `cifar-100-binary/` in; made if need be. */
  dir: string;
  url?: string;
  checksum?: Checksum;
  /** The program that unpacks; default `tar`. */
  tar?: string;
}

/**
 * Puts CIFAR-100 into `dir/cifar-100-binary`: downloads (or takes an archive that lies in `dir` already),
 * verifies, unpacks beside the target and renames. Nothing is left half-made, and where the data is complete
 * already nothing is done.
 * @returns the folder, and whether it was there before
 * @throws UserError if the archive cannot be had, is another file or cannot be unpacked
 */
export async function installCifar100(
  options: InstallOptions,
): Promise<{ folder: string; existed: boolean }> {
  const { dir, url = CIFAR100_URL, checksum = CIFAR100_CHECKSUM, tar = 'tar', ...download } = options;
  const folder = join(dir, CIFAR100_FOLDER);
  if (await isComplete(folder)) return { folder, existed: true };
  await mkdir(dir, { recursive: true }).catch((error: unknown) => {
    throw new UserError(`cannot make the folder ${dir}: ${errorMessage(error)}; give another with --dir`);
  });
  const archive = join(dir, archiveName(url));
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
  await unpack(archive, dir, folder, tar);
  // An archive that somebody put there by hand stays theirs.
  if (!given) await rm(archive, { force: true });
  return { folder, existed: false };
}

function archiveName(url: string): string {
  let path: string;
  try {
    path = new URL(url).pathname;
  } catch {
    throw new UserError(`--url takes an http(s) address, not "${url}"`);
  }
  if (!/^https?:/i.test(url)) throw new UserError(`--url takes an http(s) address, not "${url}"`);
  return basename(path) || `${CIFAR100_FOLDER}.tar.gz`;
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    await checkCifar100Files(folder);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

async function unpack(archive: string, dir: string, folder: string, tar: string): Promise<void> {
  // One fixed name, so that what a killed run left is cleared by the next.
  const temporary = join(dir, `.${CIFAR100_FOLDER}.unpacking`);
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
    const unpacked = join(temporary, CIFAR100_FOLDER);
    await checkCifar100Files(unpacked);
    // A folder that is in the way was found incomplete above.
    await rm(folder, { recursive: true, force: true });
    await rename(unpacked, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
