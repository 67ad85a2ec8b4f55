/**
 * Calls `onFirst` at the first SIGINT or SIGTERM. A later one, from an impatient person, ends the process at once
 * as if nobody watched: unlike `process.exit`, which ends threads one by one and so trips over one that is inside
 * onnxruntime. Ctrl-C can reach a process twice, from the terminal and from npm or tsx above it, so an immediate
 * second one counts as the same.
 * @returns a function that stops watching
 */
export function watchSignals(onFirst: () => void): () => void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      onFirst();
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      release();
      process.kill(process.pid, signal);
    }
  };
  const release = () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return release;
}

const SAME_SIGNAL_MS = 500;
