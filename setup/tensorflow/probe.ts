import { processArguments } from '../../core/workers/thread.ts';
import { runProgram } from '../programs.ts';

/** What the child process answers. */
export type ProbeAnswer = { error: string } | { tensorflow: string; tfjs: string; gpu: boolean };

/** TensorFlow as it runs here. */
export interface TensorFlowFacts {
  /** Of the C library, e.g. `2.15.1`. */
  version: string;
  /** Of the npm package. */
  tfjs: string;
  /** `CPU`, or the GPUs by name. */
  devices: string[];
  /** Why TensorFlow does not use a GPU, in its own words, where it says so. */
  gpuTrouble?: string;
}

const CHILD = new URL('./probe-child.ts', import.meta.url);
const TIMEOUT_MS = 180_000;

/**
 * Loads TensorFlow in a process of its own and runs a convolution there: a library that does not suit the
 * processor kills the process that loads it, and its log tells the devices.
 * @returns the facts, or in one line why it does not work
 */
export async function probeTensorFlow(): Promise<TensorFlowFacts | { error: string }> {
  const output = await runProgram(process.execPath, processArguments(CHILD), {
    timeoutMs: TIMEOUT_MS,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '0' },
  });
  if (output.signal === 'SIGILL') {
    return { error: "this processor lacks instructions that TensorFlow's library uses (AVX)" };
  }
  if (output.status !== 0) {
    const last = output.stderr.trim().split('\n').at(-1);
    return { error: `TensorFlow ends with ${output.signal ?? `exit code ${output.status}`}: ${last}` };
  }
  const answer = JSON.parse(output.stdout.trimEnd().split('\n').at(-1)!) as ProbeAnswer;
  if ('error' in answer) return answer;
  return { version: answer.tensorflow, tfjs: answer.tfjs, ...readDevices(answer.gpu, output.stderr) };
}

/** The devices as TensorFlow's log names them; its API only says whether it uses a GPU. */
export function readDevices(gpu: boolean, log: string): Pick<TensorFlowFacts, 'devices' | 'gpuTrouble'> {
  if (gpu) {
    const devices = [
      ...log.matchAll(/Created device \S*device:GPU:\d+ with (\d+) MB memory:.*? name: ([^,\n]+)/g),
    ];
    return { devices: devices.length > 0 ? devices.map(([, mb, name]) => `${name} (${mb} MB)`) : ['GPU'] };
  }
  const trouble = log
    .split('\n')
    .find((line) =>
      /Cannot dlopen some GPU libraries|Could not load dynamic library|failed call to cuInit/.test(line),
    );
  // Without its time, its source file and its line.
  const words = trouble?.replace(/^.*?\.cc:\d+\] /, '').split('. ')[0];
  return { devices: ['CPU'], ...(words === undefined ? {} : { gpuTrouble: words }) };
}
