import { byId } from '../dom/elements.ts';

/**
 * Installs the service worker, so that the page works without its server from the second visit on.
 * @param inUse addresses of large files that are in use: the model, and the WebAssembly that runs it. All
 *   others of the page are known from its build.
 */
export async function keepForOffline(inUse: readonly string[]): Promise<void> {
  const state = byId('offline-state', HTMLElement);
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register(new URL('sw.js', document.baseURI), { updateViaCache: 'none' });
    navigator.serviceWorker.addEventListener('message', (event: MessageEvent<{ kept?: number }>) => {
      if (event.data.kept === undefined) return;
      state.textContent = 'Ready for use offline.';
      state.dataset.kept = String(event.data.kept);
    });
    await navigator.serviceWorker.ready;
    const assets = (await (await fetch('assets.json')).json()) as string[];
    await keepAlso(['', 'models/index.json', 'assets.json', ...assets, ...inUse]);
  } catch (error) {
    // Private windows and plain http refuse it; the page works all the same, online.
    console.info('no offline use:', error);
  }
}

/** Adds large files that came into use later; without effect before {@link keepForOffline}. */
export async function keepAlso(urls: readonly string[]): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const registration = await navigator.serviceWorker.getRegistration();
  const keep = urls.map((url) => new URL(url, document.baseURI).href);
  registration?.active?.postMessage({ keep });
}
