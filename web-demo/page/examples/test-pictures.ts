import { create } from '../dom/elements.ts';
import { CifarRecords, countRecords, RECORD_BYTES, SIDE } from '../test-set/records.ts';
import {
  type LabelledPicture,
  matchLabels,
  readPart,
  sizeOfSource,
  type TestSetSource,
} from '../test-set/source.ts';
import type { Thumb } from '../views/thumbs.ts';

/**
 * A few pictures from somewhere in the test set.
 * @param labels the class names, by index
 * @throws UserError if the file is not CIFAR-100's test set, or the model knows none of a folder's classes
 */
export async function pickTestPictures(
  source: TestSetSource,
  labels: readonly string[],
  count: number,
): Promise<Thumb[]> {
  if ('pictures' in source)
    return pickOwn(matchLabels(source.pictures, labels, source.name).known, labels, count);
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

/** Pixels of an example of the reader's own, on either side. */
const OWN_SIDE = 96;

async function pickOwn(
  pictures: (LabelledPicture & { truth: number })[],
  labels: readonly string[],
  count: number,
): Promise<Thumb[]> {
  const drawn = pictures.map((picture) => ({ picture, place: Math.random() }));
  const some = drawn.sort((a, b) => a.place - b.place).slice(0, count);
  const thumbs = await Promise.all(
    some.map(async ({ picture: { file, path, truth } }): Promise<Thumb[]> => {
      const bitmap = await createImageBitmap(file).catch(() => undefined);
      if (!bitmap) return [];
      const canvas = create('canvas');
      canvas.width = canvas.height = OWN_SIDE;
      const side = Math.min(bitmap.width, bitmap.height);
      const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
      canvas.getContext('2d')?.drawImage(bitmap, left, top, side, side, 0, 0, OWN_SIDE, OWN_SIDE);
      bitmap.close();
      return [{ name: path, canvas, file, truth: labels[truth]! }];
    }),
  );
  return thumbs.flat();
}
