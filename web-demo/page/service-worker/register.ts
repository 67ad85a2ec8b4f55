import { byId } from '../dom/by-id.ts';

/**
 * Installs the service worker, so that the page works without its server from the second visit on. What the
 * page and its workers had loaded before it was there is handed over to be kept.
 */
export async function keepForOffline(): Promise<void> {
  const state = byId('offline-state', HTMLElement);
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register(new URL('sw.js', document.baseURI), { updateViaCache: 'none' });
    const { active } = await navigator.serviceWorker.ready;
    navigator.serviceWorker.addEventListener('message', (event: MessageEvent<{ kept?: number }>) => {
      if (event.data.kept === undefined) return;
      state.textContent = 'Ready for use offline.';
      state.dataset.kept = String(event.data.kept);
    });
    active?.postMessage({ keep: [document.baseURI, ...loadedUrls()] });
  } catch (error) {
    // Private windows and plain http refuse it; the page works all the same, online.
    console.info('no offline use:', error);
  }
}

/** Adds files that a worker loaded: those are not in the page's own list. */
export async function keepAlso(urls: readonly string[]): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const registration = await navigator.serviceWorker.getRegistration();
  registration?.active?.postMessage({ keep: urls });
}

function loadedUrls(): string[] {
  return performance
    .getEntriesByType('resource')
    .map(({ name }) => name)
    .filter((name) => name.startsWith(location.origin));
}
