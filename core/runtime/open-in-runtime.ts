import { errorMessage, UserError } from '../errors.ts';
import { type Dim, sizeOf } from '../onnx/graph.ts';
import { Random } from '../random.ts';
import type { RuntimeChoice, RuntimeName } from './runtimes.ts';
import { type InferenceSession, openSession, Tensor } from './session.ts';

export interface OpenedModel {
  session: InferenceSession;
  runtime: RuntimeName;
  /** Of `auto`: which it is and why, in one line. */
  note?: string;
}

export interface OpenOptions {
  /** Threads inside one operator; 0 or left out: one a core. */
  threads?: number | undefined;
  /** Opens it in onnxruntime; default {@link openSession}. */
  inOnnxruntime?: () => Promise<InferenceSession>;
  /** False: OpenVINO is taken at its word, for it was tried before. */
  trial?: boolean;
}

/** OpenVINO has to be faster by more than what two trials of one runtime differ by. */
const CLEARLY_FASTER = 0.95;
const TRIAL_MS = 400;
const TRIAL_RUNS = [3, 30] as const;

/**
 * Opens a model with one input, of images, in the runtime that is asked for. What OpenVINO gives for an image of noise is
 * compared with what onnxruntime does, so that what it computes wrongly is not served, known or not.
 * @throws UserError if it is not set up, does not take the model, or gives other scores; Error if onnxruntime cannot load it
 */
export async function openInRuntime(
  choice: RuntimeChoice,
  model: Uint8Array,
  { threads, inOnnxruntime = () => openSession(model, { threads }), trial = true }: OpenOptions = {},
): Promise<OpenedModel> {
  if (choice === 'onnxruntime') return { session: await inOnnxruntime(), runtime: 'onnxruntime' };
  const inOpenVino = async () => {
    const { OpenVinoSession } = await import('../openvino/session.ts');
    return openSession(model, { threads, int8: false }, { InferenceSession: OpenVinoSession });
  };
  if (choice === 'openvino' && !trial) return { session: await inOpenVino(), runtime: 'openvino' };
  const onnxruntime = await inOnnxruntime();
  let openvino: InferenceSession | undefined;
  try {
    openvino = await inOpenVino();
    const trouble = await compare(onnxruntime, openvino);
    if (trouble !== undefined) throw new UserError(trouble);
    const times = choice === 'auto' ? await timeByTurns([onnxruntime, openvino]) : undefined;
    const [ours, theirs] = times ?? [1, 0];
    const isFaster = theirs < CLEARLY_FASTER * ours;
    const note = times && {
      note:
        `it runs in ${isFaster ? 'OpenVINO' : 'onnxruntime'}: an image takes OpenVINO ` +
        `${theirs.toPrecision(2)} ms and onnxruntime ${ours.toPrecision(2)} ms`,
    };
    await (isFaster ? onnxruntime : openvino).release();
    return isFaster
      ? { session: openvino, runtime: 'openvino', ...note }
      : { session: onnxruntime, runtime: 'onnxruntime', ...note };
  } catch (error) {
    await openvino?.release();
    if (choice === 'auto') {
      const note = `it runs in onnxruntime: ${errorMessage(error)}`;
      return { session: onnxruntime, runtime: 'onnxruntime', note };
    }
    await onnxruntime.release();
    throw error;
  }
}

/** The share of the largest score by which the rounding of int8 may make scores differ. */
const TOLERANCE = 0.1;

/** @returns why OpenVINO's scores for an image of noise are not onnxruntime's; undefined if they are */
async function compare(
  onnxruntime: InferenceSession,
  openvino: InferenceSession,
): Promise<string | undefined> {
  const feeds = noise(onnxruntime);
  const expected = await onnxruntime.run(feeds);
  const actual = await openvino.run(feeds);
  for (const name of onnxruntime.outputNames) {
    const [a, b] = [expected[name]!, actual[name]!];
    const some = (tensor: Tensor) =>
      Array.from(tensor.data as Float32Array)
        .slice(0, 3)
        .map((value) => String(Number(Number(value).toPrecision(4))))
        .join(', ');
    if (!isClose(b, a)) {
      return `OpenVINO gives other scores (${some(b)}, ...) than onnxruntime (${some(a)}, ...) for one picture`;
    }
  }
  return undefined;
}

function isClose(actual: Tensor, expected: Tensor): boolean {
  if (String(actual.dims) !== String(expected.dims) || actual.type !== expected.type) return false;
  const [a, b] = [actual.data as Float32Array, expected.data as Float32Array];
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < b.length; i++) {
    const [value, right] = [Number(a[i]), Number(b[i])];
    if (Number.isFinite(right)) largest = Math.max(largest, Math.abs(right));
    // What is not a number is in both or the model is not to be trusted.
    if (!Object.is(value, right)) difference = Math.max(difference, Math.abs(value - right));
  }
  return difference <= TOLERANCE * largest;
}

/** Milliseconds of each for one image: the shortest of several runs by turns. */
async function timeByTurns(
  sessions: readonly [InferenceSession, InferenceSession],
): Promise<[number, number]> {
  const feeds = noise(sessions[0]);
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const end = performance.now() + TRIAL_MS;
  const [least, most] = TRIAL_RUNS;
  for (let run = 0; run < most && (run < least || performance.now() < end); run++) {
    for (const [i, session] of sessions.entries()) {
      const begin = performance.now();
      await session.run(feeds);
      best[i] = Math.min(best[i]!, performance.now() - begin);
    }
  }
  return best;
}

/** One image of noise, of what the model takes. */
function noise({ inputMetadata }: InferenceSession): Record<string, Tensor> {
  const [input] = inputMetadata;
  if (inputMetadata.length !== 1 || !input?.isTensor || input.type !== 'float32') {
    throw new UserError('only models with one float32 input are run in OpenVINO');
  }
  const dims = (input.shape as readonly Dim[]).map((dim) => (typeof dim === 'number' ? dim : 1));
  const random = new Random(1);
  const data = Float32Array.from({ length: sizeOf(dims) }, () => 4 * random.uniform() - 2);
  return { [input.name]: new Tensor('float32', data, dims) };
}
