/** Reads given numbers of bytes from chunks of any size. */
export class ByteStream {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Fills `out` as far as there are bytes. @returns how many there were */
  async read(out: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < out.length && (await this.#ready())) {
      const part = this.#chunk.subarray(this.#at, this.#at + out.length - filled);
      out.set(part, filled);
      filled += part.length;
      this.#at += part.length;
    }
    return filled;
  }

  /** Passes over bytes. @returns how many there were */
  async skip(count: number): Promise<number> {
    let skipped = 0;
    while (skipped < count && (await this.#ready())) {
      const part = Math.min(count - skipped, this.#chunk.length - this.#at);
      skipped += part;
      this.#at += part;
    }
    return skipped;
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** Whether there is a byte to read; fetches the next chunk if need be. */
  async #ready(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const { done, value } = await this.#chunks.next();
      if (done) return false;
      this.#chunk = value;
      this.#at = 0;
    }
    return true;
  }
}
