import { stat } from 'node:fs/promises';
import path from 'node:path';
import { findData } from '../../core/data/find.ts';
import { DEFAULT_DATA_DIR } from '../../core/data/load.ts';
import { UserError } from '../../core/errors.ts';

/**
 * Finds CIFAR-100's `test.bin`: in `given`, else CIFAR100_DIR, else `./data`.
 * @param given the value of --data
 * @returns undefined if there is none and no folder was named, or that folder has data in another layout;
 *   that is no error: the page works without
 * @throws UserError if the folder that was named has no data
 */
export async function findTestSet(given: string | undefined): Promise<string | undefined> {
  const named = given ?? (process.env.CIFAR100_DIR || undefined);
  const found = await findData(named ?? DEFAULT_DATA_DIR);
  if (found?.dataset === 'cifar100' && found.variant.layout === 'binary' && !found.archive) {
    const file = path.resolve(found.path, 'test.bin');
    if ((await stat(file).catch(() => undefined))?.isFile()) return file;
  } else if (found) {
    return undefined;
  }
  if (named === undefined) return undefined;
  const source = given === undefined ? 'CIFAR100_DIR' : '--data';
  throw new UserError(`${source}: there is no test.bin in ${named}; fetch it with npm run data`);
}
