import { ArchiveFiles, type DataFiles, FolderFiles } from '../data-files.ts';
import { type ImageDataset, SPLIT_NAMES, type SplitName } from '../dataset.ts';
import { readSplits } from '../split.ts';
import { addBinaryImages, checkSizes, readBinaryNames } from './read-binary.ts';
import { addPythonImages, MAX_PICKLE_BYTES, readPythonNames } from './read-python.ts';
import { SplitBuilder, unknownSuperclasses } from './split-builder.ts';
import { type CifarVariant, cifarDataset, nameFiles, recordBytes } from './variant.ts';

const MAX_NAMES_BYTES = 1 << 20;

/**
 * Reads CIFAR-10 or CIFAR-100 in any of its layouts into shared memory.
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
  const isBinary = variant.layout === 'binary';
  const names = await (isBinary ? readBinaryNames(files, variant) : readPythonNames(files, variant));
  const ofClass = unknownSuperclasses(variant);
  const wanted = await readSplits(splits, async (split) => {
    if (isBinary) await checkSizes(files, variant, split);
    const parts = variant.files[split];
    const count = parts.reduce((sum, { images }) => sum + images, 0);
    const builder = new SplitBuilder(variant, count, ofClass);
    for (const part of parts) {
      if (isBinary) await addBinaryImages(files, variant, part, builder);
      else await addPythonImages(files, variant, part, builder);
    }
    return builder.finish(files.describe(parts.map(({ name }) => name).join(', ')));
  });
  return cifarDataset(variant, names, ofClass, wanted);
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
