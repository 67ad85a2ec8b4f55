import { createInterface } from 'node:readline';
import { errorMessage } from '../../core/errors.ts';
import { peakMemoryBytes } from './peak-memory.ts';

/** What a measured process is told to prepare; see `bench/contestants.ts`. */
export interface ChildSetup {
  /** Ours: as `parseNet` reads it; a peer's: the name alone. */
  model: string;
  /** Height and width of the images, for peers. */
  imageSize?: number;
  batchSize: number;
  /** 0: as many as the thing measured takes by itself. */
  threads: number;
  [option: string]: unknown;
}

/** A thing to be timed: prepared once, run many times. */
export interface Subject {
  /** How many learned values it has, so that the bench can refuse to compare different nets. */
  parameters: number;
  /** Works through one batch. */
  run(): Promise<void> | void;
  close?(): Promise<void> | void;
}

/**
 * Body of a measured process. It reads JSON lines on stdin, first the setup, then `{"run": N}` or
 * `{"stop": true}`, and answers each with one JSON line: `{ready, seconds, parameters}` (the time from here
 * to the end of the first batch), `{seconds}`, `{peakBytes}`. A process each keeps memory peaks apart, and
 * lets a Python peer be measured by the same protocol. What cannot be prepared ends it with its reason as the last line.
 */
export async function runChild(prepare: (setup: ChildSetup) => Promise<Subject>): Promise<void> {
  let subject: Subject | undefined;
  const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    if (!subject) {
      try {
        subject = await prepare(message as ChildSetup);
      } catch (error) {
        // Whoever waits for an answer holds stdin open, and with it this process.
        process.stderr.write(`${errorMessage(error)}\n`, () => process.exit(1));
        return;
      }
      await subject.run();
      answer({ ready: true, seconds: seconds(), parameters: subject.parameters });
    } else if (message.stop) {
      answer({ peakBytes: await peakMemoryBytes() });
      break;
    } else {
      for (let i = 0; i < message.run; i++) await subject.run();
      answer({ seconds: seconds() });
    }
  }
  await subject?.close?.();
}
