import './chunk-MOR2SDXV.js';

// web-demo/page/worker/lock.ts
var Lock = class {
  #last = Promise.resolve();
  /** Runs `work` when everything asked for earlier has ended. */
  run(work) {
    const next = this.#last.then(work, work);
    return ((this.#last = next.catch(() => {})), next);
  }
};

export { Lock };
