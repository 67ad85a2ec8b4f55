/**
 * Lets one piece of work run at a time, in the order asked for. A runtime has one for all its sessions: on WebGPU a
 * session that is made, run or released while another one runs takes the whole runtime down.
 */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when everything asked for earlier has ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next.catch(() => undefined);
    return next;
  }
}
