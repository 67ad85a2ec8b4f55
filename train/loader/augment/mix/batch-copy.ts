/** The images of a batch before it is mixed, for a partner may have been mixed already when it is its turn. */
export class BatchCopy {
  #memory = new Float32Array(0);

  /** A copy of the images, in memory that the next call writes over. */
  of(images: Float32Array): Float32Array {
    if (this.#memory.length < images.length) this.#memory = new Float32Array(images.length);
    this.#memory.set(images);
    return this.#memory;
  }
}
