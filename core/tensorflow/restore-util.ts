import util from 'node:util';

/**
 * Gives `node:util` the two functions that tfjs-node 4.22 calls in its kernels and that Node is dropping:
 * Node 22 warns at their use, Node 23 lacks the first.
 */
export function restoreUtilFunctions(): void {
  const isNullOrUndefined = (value: unknown): value is null | undefined =>
    value === null || value === undefined;
  Object.assign(util, { isNullOrUndefined, isArray: Array.isArray });
}
