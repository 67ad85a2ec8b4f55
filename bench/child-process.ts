import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { UserError } from '../core/errors.ts';
import type { ChildSetup } from './children/child-main.ts';

export interface ChildCommand {
  command: string;
  args: readonly string[];
}

interface Answer {
  ready?: boolean;
  seconds?: number;
  parameters?: number;
  peakBytes?: number;
}

/** How many of the last characters of a failed child's stderr are told. */
const TOLD = 600;

/** A process that holds one thing to be measured, ready to run it when told; see `children/child-main.ts`. */
export class MeasuredProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';
  /** Seconds from the setup to the end of the first batch, without the start of the interpreter. */
  setupSeconds = 0;
  /** Learned values of the net it holds. */
  parameters = 0;

  private constructor(
    private readonly name: string,
    { command, args }: ChildCommand,
  ) {
    this.#child = spawn(command, args);
    this.#child.stderr.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-TOLD);
    });
    // A child that is gone shows in its answer; without a listener a write to it would throw here.
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', (error) => {
      this.#stderr += error.message;
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** @throws UserError if the process cannot start or prepare what it is to run */
  static async start(name: string, command: ChildCommand, setup: ChildSetup): Promise<MeasuredProcess> {
    const child = new MeasuredProcess(name, command);
    try {
      const { seconds, parameters } = await child.#ask(setup);
      child.setupSeconds = seconds!;
      child.parameters = parameters!;
      return child;
    } catch (error) {
      child.kill();
      throw error;
    }
  }

  /** Runs it so many times. @returns seconds */
  async run(times: number): Promise<number> {
    return (await this.#ask({ run: times })).seconds!;
  }

  /** Ends the process. @returns the most memory it held, in bytes */
  async stop(): Promise<number> {
    const { peakBytes } = await this.#ask({ stop: true });
    this.#child.stdin.end();
    return peakBytes!;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #ask(message: object): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) {
        const reason = this.#stderr.trim().split('\n').at(-1) || 'it ended without a word';
        throw new UserError(`${this.name} cannot be measured: ${reason}`);
      }
      // Libraries print a line of their own now and then.
      if (value.startsWith('{')) return JSON.parse(value) as Answer;
    }
  }
}
