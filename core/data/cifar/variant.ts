import type { ImageDataset, Normalization, SplitName } from '../dataset.ts';

/** Height and width of every CIFAR image. */
export const CIFAR_SIZE = 32;
/** Red, green and blue planes, row by row. */
export const CIFAR_IMAGE_BYTES = 3 * CIFAR_SIZE * CIFAR_SIZE;

/** What CIFAR-10 and CIFAR-100 differ in. */
export interface CifarFamily {
  dataset: 'cifar10' | 'cifar100';
  /** For messages, e.g. `CIFAR-100`. */
  title: string;
  classes: number;
  /** 0: there are none. */
  superclasses: number;
  normalization: Normalization;
}

interface CifarLayout extends CifarFamily {
  /** The folder that the official archive unpacks to. */
  folder: string;
  /** The files of each split in order, and how many images are in each. */
  files: Record<SplitName, readonly { name: string; images: number }[]>;
  /** How to get the files, to end a message with. */
  advice: string;
}

/** Records of label bytes (superclass first, where there are any) and image, and text files of names. */
export interface CifarBinary extends CifarLayout {
  layout: 'binary';
  names: { classes: string; superclasses?: string };
}

/** Pickled dicts, of images and of names. */
export interface CifarPython extends CifarLayout {
  layout: 'python';
  names: { file: string; classes: string; superclasses?: string };
  /** The keys of the labels in the files of images. */
  labels: { classes: string; superclasses?: string };
}

/** One of the ways in which one of the datasets is published. */
export type CifarVariant = CifarBinary | CifarPython;

/** The bytes of a record of the binary version. */
export function recordBytes(variant: CifarFamily): number {
  return (variant.superclasses > 0 ? 2 : 1) + CIFAR_IMAGE_BYTES;
}

/** All of a variant's files that hold images. */
export function imageFiles({ files }: CifarVariant): string[] {
  return [...files.train, ...files.test].map(({ name }) => name);
}

/** All of a variant's files that hold names. */
export function nameFiles({ names }: CifarVariant): string[] {
  if ('file' in names) return [names.file];
  return names.superclasses === undefined ? [names.classes] : [names.classes, names.superclasses];
}

/** What a reader makes of a variant's name files. */
export interface CifarNames {
  labels: string[];
  superclasses: string[];
}

/** Puts a dataset together. */
export function cifarDataset(
  variant: CifarFamily,
  names: CifarNames,
  ofClass: Uint16Array,
  splits: Pick<ImageDataset, SplitName>,
): ImageDataset {
  return {
    name: variant.dataset,
    channels: 3,
    height: CIFAR_SIZE,
    width: CIFAR_SIZE,
    labels: names.labels,
    ...(variant.superclasses > 0 ? { superclasses: { names: names.superclasses, ofClass } } : {}),
    normalization: variant.normalization,
    ...splits,
  };
}
