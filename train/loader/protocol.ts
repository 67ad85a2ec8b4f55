/** A batch's memory. It moves between the threads by transfer: no copy, and one owner at a time. */
export interface BatchBuffers {
  /** Room for a full batch, NCHW. */
  images: Float32Array<ArrayBuffer>;
  labels: Int32Array<ArrayBuffer>;
}

/** Main thread to worker: fill the buffers. */
export interface BatchRequest extends BatchBuffers {
  /** Unique in a loader; the reply repeats it. */
  job: number;
  epoch: number;
  /** The batch's number in its epoch. */
  batch: number;
  /** The images to use. */
  indices: Uint32Array;
}

/** Worker to main thread: the buffers, filled. */
export interface BatchReply extends BatchBuffers {
  job: number;
}

/** What a message with these buffers hands over. */
export function transferList({ images, labels }: BatchBuffers): ArrayBuffer[] {
  return [images.buffer, labels.buffer];
}
