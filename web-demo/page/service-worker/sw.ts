import { strategyFor } from './strategy.ts';

const scope = self as unknown as ServiceWorkerScope;
const CACHE = 'onnx-classifier-1';
/** Where the page is: the folder this file is in. */
const base = new URL('./', scope.location.href);

scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener('message', (event) => {
  const { keep } = event.data;
  if (!keep) return;
  event.waitUntil(
    Promise.allSettled(keep.map(keepFile)).then(async () => {
      const kept = await (await caches.open(CACHE)).keys();
      event.source?.postMessage({ kept: kept.length });
    }),
  );
});

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const strategy = strategyOf(request.url, request.method, request.headers.has('range'));
  if (strategy === 'cache-first') event.respondWith(cacheFirst(request));
  else if (strategy === 'network-first') event.respondWith(networkFirst(request));
});

function strategyOf(address: string, method = 'GET', hasRange = false): ReturnType<typeof strategyFor> {
  const url = new URL(address);
  const sameOrigin = url.origin === base.origin && url.pathname.startsWith(base.pathname);
  const path = url.pathname.slice(base.pathname.length);
  return strategyFor({ method, path, search: url.search, hasRange, sameOrigin });
}

/** Fetches a file into the cache; one that never changes, only if it is not there. */
async function keepFile(address: string): Promise<void> {
  const strategy = strategyOf(address);
  if (strategy === 'pass') return;
  const cache = await caches.open(CACHE);
  if (strategy === 'cache-first' && (await cache.match(address))) return;
  await store(cache, address, await fetch(address));
}

async function cacheFirst(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept) return kept;
  const response = await fetch(request);
  await store(cache, request.url, response.clone());
  return response;
}

async function networkFirst(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    await store(cache, request.url, response.clone());
    return response;
  } catch (error) {
    // The page's own query (`?model=`) says what to open, not what to fetch.
    const kept = await cache.match(request, { ignoreVary: true, ignoreSearch: request.mode === 'navigate' });
    if (kept) return kept;
    throw error;
  }
}

async function store(cache: Cache, address: string, response: Response): Promise<void> {
  if (response.status !== 200) return;
  await cache.put(address, response);
  await dropOlder(cache, address);
}

/** An older version of the same model is not needed any more. */
async function dropOlder(cache: Cache, address: string): Promise<void> {
  const url = new URL(address);
  if (url.search === '') return;
  for (const { url: other } of await cache.keys()) {
    if (other !== address && other.split('?')[0] === `${url.origin}${url.pathname}`)
      await cache.delete(other);
  }
}

/** The parts of a service worker's scope that are used here; TypeScript's DOM library has no types for them. */
interface ServiceWorkerScope {
  location: Location;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
  addEventListener(type: 'message', listener: (event: KeepEvent) => void): void;
}

interface ExtendableEvent {
  waitUntil(work: Promise<unknown>): void;
}

interface FetchEvent extends ExtendableEvent {
  request: Request;
  respondWith(response: Promise<Response>): void;
}

interface KeepEvent extends ExtendableEvent {
  data: { keep?: string[] };
  source: { postMessage(message: unknown): void } | null;
}
