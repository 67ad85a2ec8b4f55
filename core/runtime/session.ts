import { InferenceSession, Tensor } from '#onnxruntime';

/*
 * The one door to what runs models: `#onnxruntime` (package.json) is onnxruntime-node, and in a page onnxruntime-web. A
 * second one is handed in: in a page one with WebGPU, in Node OpenVINO (runtimes.ts).
 */
export { InferenceSession, Tensor };

const IN_NODE = typeof process !== 'undefined' && process.versions?.node !== undefined;

if (IN_NODE) {
  // onnxruntime's Linux packages report to their maker unless this is set before the first session is created. A
  // tool that trains on somebody's pictures reports to nobody; who wants to sets the variable to 0.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  if ('Float16Array' in globalThis) hideFloat16Array();
}

/**
 * From Node 24 on there is a Float16Array, and onnxruntime-common puts the data of float16 tensors into one; but the
 * native part of onnxruntime-node takes only Uint16Array for them (1.30: "invalid data type" for any float16 input).
 * Which one it is to be is decided once in a process, when the first tensor is made. So that is done here, while there
 * seems to be none.
 */
function hideFloat16Array(): void {
  const hidden = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array')!;
  Reflect.deleteProperty(globalThis, 'Float16Array');
  try {
    new Tensor('uint8', Uint8Array.of(0), [1]);
  } finally {
    Object.defineProperty(globalThis, 'Float16Array', hidden);
  }
}

/** onnxruntime's own options, and what is the same for all sessions of this project. */
export interface SessionOptions extends InferenceSession.SessionOptions {
  /** Threads inside one operator; 0 or left out: onnxruntime's choice, one a core. */
  threads?: number | undefined;
  /** Nothing goes to the terminal, where that a model fails may be the answer; else errors do. */
  quiet?: boolean;
  /** Settings of a session by their names in onnxruntime_session_options_config_keys.h. */
  config?: Record<string, unknown>;
  /** False: there is no int8 in it, so whether its sums are exact need not be tried; default true. */
  int8?: boolean;
}

/** What a page may have two of. */
export type Runtime = Pick<typeof import('#onnxruntime'), 'InferenceSession' | 'Tensor'>;

/** What opens sessions; each has onnxruntime's interface. */
interface SessionFactory {
  InferenceSession: {
    create(model: string, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
}

/**
 * Those that change what a model computes. In onnxruntime 1.30, npm's newest, the first makes zeros in front of a MaxPool the
 * pool's own padding, which is lower than any number: where all that is beside them is negative, the maximum is another
 * (findings/onnxruntime-pad-fusion.sh). The second takes away the coarser of two quantisations in a row
 * (findings/onnxruntime-drops-coarse-quantisation.sh).
 */
const WRONG_OPTIMIZERS = 'Pad_Fusion;DoubleQDQPairsRemover';

/**
 * Opens a model.
 * @param model the file's bytes, or its path, by which onnxruntime finds external data beside it
 * @param runtime whose session it is to be; tensors must come from the same
 * @throws Error if the runtime cannot load it
 */
export async function openSession(
  model: Uint8Array | string,
  { threads, quiet = false, config = {}, int8 = true, ...options }: SessionOptions = {},
  runtime: SessionFactory = { InferenceSession },
): Promise<InferenceSession> {
  const exact = IN_NODE && int8 ? await import('./exact-int8.ts') : undefined;
  const session = { ...(await exact?.exactInt8()), ...config };
  return runtime.InferenceSession.create(model as string, {
    logSeverityLevel: quiet ? 4 : 3,
    ...(threads ? { intraOpNumThreads: threads } : {}),
    extra: { optimization: { disable_specified_optimizers: WRONG_OPTIMIZERS }, session },
    ...options,
  });
}

/** A float32 tensor on the given memory; a vector unless `dims` says otherwise. */
export function tensor(data: Float32Array, dims: readonly number[] = [data.length]): Tensor {
  return new Tensor('float32', data, dims);
}
