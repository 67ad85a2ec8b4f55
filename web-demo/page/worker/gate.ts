/** Open or closed; work waits at a closed one. */
export class Gate {
  #closed: { promise: Promise<void>; open: () => void } | undefined;

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  close(): void {
    if (this.#closed) return;
    let open = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#closed = { promise, open };
  }

  open(): void {
    this.#closed?.open();
    this.#closed = undefined;
  }

  /** Resolves at once if it is open, else when it is opened. */
  async pass(): Promise<void> {
    await this.#closed?.promise;
  }
}
