import type { PixelImage } from '../../../core/preprocess/pixel-image.ts';
import { CifarRecords } from '../test-set/records.ts';
import { type CifarSource, readPart, sizeOfSource } from '../test-set/source.ts';

/** The file read last: choosing several classes must not fetch thirty megabytes each time. */
let cached: { source: CifarSource; records: CifarRecords } | undefined;

/**
 * All pictures of a class in the test set.
 * @param classes how many classes there are
 * @throws UserError if the file is not CIFAR-100's test set
 */
export async function picturesOfClass(
  source: CifarSource,
  label: number,
  classes: number,
): Promise<PixelImage[]> {
  if (cached?.source !== source) {
    const bytes = await readPart(source, 0, sizeOfSource(source));
    cached = { source, records: new CifarRecords(bytes, classes, source.name) };
  }
  const { records } = cached;
  const images: PixelImage[] = [];
  records.labels.forEach((own, i) => {
    if (own === label) images.push({ data: records.rgba(i), width: 32, height: 32, channels: 4 });
  });
  return images;
}
