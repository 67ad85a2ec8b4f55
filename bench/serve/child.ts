import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RawResult, RawTask } from './raw-child.ts';

const START_TIMEOUT_MS = 120_000;

/** A server that was started as a process of its own. */
export interface ServerProcess {
  url: string;
  pid: number;
  /** What it wrote so far. */
  output(): string;
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until it prints its address (`http://...`).
 * @throws Error with what it wrote, if it ends before that
 */
export async function startServerProcess(command: string, args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${command} did not start: ${text}`));
    }, START_TIMEOUT_MS);
    const read = (data: Buffer): void => {
      text += String(data);
      const found = /http:\/\/[\d.]+:\d+/.exec(text);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(text)));
  });
  return { url, pid: child.pid!, output: () => text, stop: () => stopProcess(child) };
}

/** onnxruntime without a server, in a process of its own. */
export class RawRuntime {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(model: string, threads: number, height: number, width: number): Promise<RawRuntime> {
    const script = fileURLToPath(new URL('./raw-child.ts', import.meta.url));
    const child = fork(script, [model, String(threads), String(height), String(width)], {
      execArgv: ['--import', 'tsx'],
    });
    await once(child, 'message');
    return new RawRuntime(child);
  }

  async run(task: RawTask): Promise<RawResult> {
    this.#child.send(task);
    const [result] = (await once(this.#child, 'message')) as [RawResult];
    return result;
  }

  stop(): Promise<void> {
    return stopProcess(this.#child);
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
