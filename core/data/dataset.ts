/** The two splits every dataset has. */
export const SPLIT_NAMES = ['train', 'test'] as const;
export type SplitName = (typeof SPLIT_NAMES)[number];

/** One split: `count` images as bytes, channel-planar (C, H, W) per image in RGB order, and their labels. */
export interface ImageSplit {
  count: number;
  /** `count * channels * height * width` bytes; may sit on a SharedArrayBuffer so that workers share it. */
  images: Uint8Array;
  /** `count` class indices into {@link ImageDataset.labels}. */
  labels: Uint16Array;
  /** Of an image folder, the file of each image and its size in pixels, before anything was cut or resized. */
  files?: { file: string; width: number; height: number }[];
}

/** A labelled image-classification dataset held in memory. */
export interface ImageDataset {
  /** `cifar100`, `synthetic`, ...; stored with every model trained on it. */
  name: string;
  channels: 3;
  height: number;
  width: number;
  /** Class names by index. */
  labels: string[];
  /** Superclass of each class, where the dataset has them. */
  superclasses?: { names: string[]; ofClass: Uint16Array };
  normalization: Normalization;
  train: ImageSplit;
  test: ImageSplit;
  /** Images that choose the best epoch, where there are some beside the test images. */
  validation?: ImageSplit;
  /** How it was read, so that it can be read in the same way again. */
  origin?: DataOrigin;
}

/** Where a dataset was read from, and how. */
export interface DataOrigin {
  /** Folder or archive, absolute; absent for a dataset that is drawn by code. */
  path?: string;
  /** Which images chose the best epoch; absent: the test images. */
  validation?: 'folder' | 'held out';
  /** Training images that were held out: a share of each class, drawn by the seed. */
  heldOut?: HeldOut;
  /** Files that could not be read were left out. */
  skipBroken?: boolean;
}

/** Which training images are held out: a share of each class, drawn by a seed. */
export interface HeldOut {
  /** Above 0, below 1. */
  share: number;
  seed: number;
}

/** Per-channel mean and standard deviation of pixel values scaled to [0, 1], RGB order. */
export interface Normalization {
  mean: [number, number, number];
  std: [number, number, number];
}
