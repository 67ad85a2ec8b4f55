/**
 * Calls `onFirst` at the first SIGINT or SIGTERM and `onAgain` at a later one, from an impatient person.
 * Ctrl-C can reach a process twice, from the terminal and from npm or tsx above it, so an immediate second
 * one counts as the same.
 * @returns a function that stops watching
 */
export function watchSignals(onFirst: () => void, onAgain: () => void): () => void {
  let firstAt: number | undefined;
  const onSignal = () => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      onFirst();
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      onAgain();
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}

const SAME_SIGNAL_MS = 500;
