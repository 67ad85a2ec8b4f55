import { UserError } from '../errors.ts';
import { Random } from '../random.ts';
import type { HeldOut, ImageDataset, ImageSplit } from './dataset.ts';
import { imagesAt } from './split.ts';

/**
 * Draws the images to hold out: of each class that share, rounded, and one at least where it has two.
 * @param labels the class of each image
 * @returns for each image whether it is held out
 * @throws UserError if that leaves nothing to train on, or holds nothing out
 */
export function drawHeldOut(labels: ArrayLike<number>, { share, seed }: HeldOut): boolean[] {
  const ofClass = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const images = ofClass.get(labels[i]!) ?? [];
    if (images.push(i) === 1) ofClass.set(labels[i]!, images);
  }
  const heldOut = new Array<boolean>(labels.length).fill(false);
  let count = 0;
  for (const [label, images] of ofClass) {
    const wanted = Math.min(Math.max(Math.round(share * images.length), 1), images.length - 1);
    const drawn = new Random(seed, label).shuffle(images).slice(0, wanted);
    for (const index of drawn) heldOut[index] = true;
    count += drawn.length;
  }
  if (count === 0) {
    throw new UserError(
      `--val-share ${share} holds out none of ${labels.length} training images; each class needs two at least`,
    );
  }
  return heldOut;
}

/** The dataset with a share of its training images as validation images. */
export function holdOutValidation(dataset: ImageDataset, heldOut: HeldOut): ImageDataset {
  const drawn = drawHeldOut(dataset.train.labels, heldOut);
  return {
    ...dataset,
    train: chosenImages(dataset.train, (i) => !drawn[i]),
    validation: chosenImages(dataset.train, (i) => drawn[i]!),
  };
}

/** The images of a split that are chosen by their index, in shared memory of their own. */
export function chosenImages(split: ImageSplit, choose: (index: number) => boolean): ImageSplit {
  const chosen: number[] = [];
  for (let i = 0; i < split.count; i++) if (choose(i)) chosen.push(i);
  return imagesAt(split, chosen);
}
