/** Threads need SharedArrayBuffer, which a browser only gives to a cross-origin isolated page. */
export const THREADS: number = globalThis.crossOriginIsolated
  ? Math.max(1, navigator.hardwareConcurrency || 1)
  : 1;
