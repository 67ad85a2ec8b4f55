import { byId } from './by-id.ts';

const NAME = 'first-prediction';

/**
 * Measures once, and says at the page's foot, how long after the start of its navigation the page has shown a
 * prediction; a `PerformanceMeasure` of that name.
 */
export function measureFirstPrediction(): void {
  if (performance.getEntriesByName(NAME).length > 0) return;
  // The second frame comes after the first one was painted. A page in the background has none.
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      if (performance.getEntriesByName(NAME).length > 0) return;
      const { duration } = performance.measure(NAME, { start: 0 });
      byId('first-prediction', HTMLElement).textContent =
        `First guess ${(duration / 1000).toFixed(1)} s after opening.`;
    }),
  );
}
