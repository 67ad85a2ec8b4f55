/** How a request is answered. */
export type Strategy =
  /** From the cache if it is there: the address changes with the contents. */
  | 'cache-first'
  /** From the server, and from the cache when that cannot be reached. */
  | 'network-first'
  /** Not touched at all. */
  | 'pass';

/**
 * Chooses by the address: built files carry a hash in their names and models a version in their query, so both
 * never change; the page itself and lists may. Parts of files, streams and questions to the server are none of
 * the cache's business.
 * @param path the address's path below the page's own
 */
export function strategyFor(request: {
  method: string;
  path: string;
  search: string;
  hasRange: boolean;
  sameOrigin: boolean;
}): Strategy {
  const { method, path, search, hasRange, sameOrigin } = request;
  if (!sameOrigin || method !== 'GET' || hasRange) return 'pass';
  if (/^(runs|predict|healthz|metrics|data)(\/|$)/.test(path)) return 'pass';
  if (path.startsWith('assets/') || /^\?v=./.test(search)) return 'cache-first';
  return 'network-first';
}
