import { stat } from 'node:fs/promises';
import path from 'node:path';
import { findCifar100 } from '../../core/data/cifar100.ts';
import { DEFAULT_DATA_DIR } from '../../core/data/load.ts';
import { UserError } from '../../core/errors.ts';

/**
 * Finds CIFAR-100's `test.bin`: in `given`, else CIFAR100_DIR, else `./data`.
 * @param given the value of --data
 * @returns undefined if there is none and no folder was named, which is no error: the page works without
 * @throws UserError if the folder that was named has none
 */
export async function findTestSet(given: string | undefined): Promise<string | undefined> {
  const named = given ?? (process.env.CIFAR100_DIR || undefined);
  const folder = await findCifar100(named ?? DEFAULT_DATA_DIR);
  const file = folder === undefined ? undefined : path.resolve(folder, 'test.bin');
  if (file !== undefined && (await stat(file).catch(() => undefined))?.isFile()) return file;
  if (named === undefined) return undefined;
  const source = given === undefined ? 'CIFAR100_DIR' : '--data';
  throw new UserError(`${source}: there is no test.bin in ${named}; fetch it with npm run data`);
}
