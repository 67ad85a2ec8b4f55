import { create } from '../dom/create.ts';
import { CifarRecords, countRecords, RECORD_BYTES, SIDE } from '../test-set/records.ts';
import { readPart, sizeOfSource, type TestSetSource } from '../test-set/source.ts';
import type { Thumb } from '../views/thumbs.ts';

/**
 * A few pictures from somewhere in the test set.
 * @param labels the class names, by index
 * @throws UserError if the file is not CIFAR-100's test set
 */
export async function pickTestPictures(
  source: TestSetSource,
  labels: readonly string[],
  count: number,
): Promise<Thumb[]> {
  const total = countRecords(sizeOfSource(source), source.name);
  const wanted = Math.min(count, total);
  // Neighbours are as mixed as any others, and one request gets them all.
  const first = Math.floor(Math.random() * (total - wanted + 1));
  const bytes = await readPart(source, first * RECORD_BYTES, (first + wanted) * RECORD_BYTES);
  const records = new CifarRecords(bytes, labels.length, source.name, first);
  return Array.from({ length: records.count }, (_, i) => {
    const canvas = create('canvas');
    canvas.width = SIDE;
    canvas.height = SIDE;
    canvas.getContext('2d')?.putImageData(new ImageData(records.rgba(i), SIDE, SIDE), 0, 0);
    const thumb: Thumb = { name: `Test picture ${first + i}`, canvas };
    const truth = labels[records.labels[i]!];
    if (truth !== undefined) thumb.truth = truth;
    return thumb;
  });
}
