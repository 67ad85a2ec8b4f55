import { ArchiveFiles, type DataFiles, FolderFiles } from '../data-files.ts';
import { type ImageDataset, SPLIT_NAMES, type SplitName } from '../dataset.ts';
import { readCifarBinary } from './read-binary.ts';
import { MAX_PICKLE_BYTES, readCifarPython } from './read-python.ts';
import { type CifarVariant, nameFiles, recordBytes } from './variant.ts';

const MAX_NAMES_BYTES = 1 << 20;

/**
 * Reads CIFAR-10 or CIFAR-100 in any of its layouts.
 * @param path the folder of the files, or their archive
 * @param splits which splits to read; the others come back empty
 * @throws UserError if a file is missing, damaged or not the dataset's
 */
export async function readCifar(
  path: string,
  archive: boolean,
  variant: CifarVariant,
  splits: readonly SplitName[] = SPLIT_NAMES,
): Promise<ImageDataset> {
  const files: DataFiles = archive
    ? await ArchiveFiles.open(path, variant.folder, wantedFiles(variant, splits), variant.advice)
    : new FolderFiles(path, variant.advice);
  return variant.layout === 'binary'
    ? readCifarBinary(files, variant, splits)
    : readCifarPython(files, variant, splits);
}

/** The files to take out of an archive, and the most bytes of each. */
function wantedFiles(variant: CifarVariant, splits: readonly SplitName[]): Map<string, number> {
  const wanted = new Map(nameFiles(variant).map((name) => [name, MAX_NAMES_BYTES]));
  for (const split of splits) {
    for (const { name, images } of variant.files[split]) {
      wanted.set(name, variant.layout === 'python' ? MAX_PICKLE_BYTES : images * recordBytes(variant));
    }
  }
  return wanted;
}
