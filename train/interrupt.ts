import { watchSignals } from '../core/cli/signals.ts';

/** Whether the user asked to stop. */
export interface Interrupt {
  requested(): boolean;
  /** Stops watching. */
  release(): void;
}

/** First Ctrl-C: finish the step and save. Second: leave at once. */
export function watchInterrupt(): Interrupt {
  let requested = false;
  const release = watchSignals(() => {
    requested = true;
    process.stderr.write('\nstopping after this step; once more to leave at once\n');
  });
  return { requested: () => requested, release };
}
