/** A batch's memory. It moves between the threads by transfer: no copy, and one owner at a time. */
export interface BatchBuffers {
  /** Room for a full batch of whole images, NCHW. */
  images: Float32Array<ArrayBuffer>;
  labels: Int32Array<ArrayBuffer>;
  /** Room for a full batch, [size, classes]. */
  targets: Float32Array<ArrayBuffer>;
}

/** Main thread to worker: fill the buffers. */
export interface BatchRequest {
  /** Unique in a loader; the reply repeats it. */
  job: number;
  epoch: number;
  /** The batch's number in its epoch. */
  batch: number;
  /** The images to use. */
  indices: Uint32Array;
  /** Height and width to resize to after augmentation; absent: they stay as they are. */
  imageSize?: number | undefined;
  buffers: BatchBuffers;
}

/** Worker to main thread: the buffers, filled. */
export interface BatchReply {
  job: number;
  buffers: BatchBuffers;
}

/** What a message with these buffers hands over. */
export function transferList({ images, labels, targets }: BatchBuffers): ArrayBuffer[] {
  return [images.buffer, labels.buffer, targets.buffer];
}
