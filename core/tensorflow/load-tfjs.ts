import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import util from 'node:util';
import { errorMessage, UserError } from '../errors.ts';
import { bindingPath } from './binding.ts';

/** TensorFlow.js on the native TensorFlow library. */
export type TensorFlow = typeof import('@tensorflow/tfjs-node-gpu');

/** Below it TensorFlow tells of every device and CPU feature it finds. */
const ERRORS_ONLY = '2';

let loaded: Promise<TensorFlow> | undefined;

/**
 * Loads TensorFlow.js with its native backend, once a process. It is loaded only here, so that commands that
 * do not need it start without it and work where it is not set up. The environment decides what TensorFlow logs
 * (TF_CPP_MIN_LOG_LEVEL; by default errors only) and whether it uses oneDNN (TF_ENABLE_ONEDNN_OPTS; by default it
 * does). In a worker thread, whose environment is a copy that TensorFlow does not see, the main thread must have
 * set them.
 * @throws UserError if the binding is not set up or does not load
 */
export function loadTensorFlow(): Promise<TensorFlow> {
  loaded ??= load();
  return loaded;
}

/**
 * Checks that tfjs-node's binding was built, which npm ci does not do.
 * @throws UserError that says how to build it
 */
export function requireBinding(path = bindingPath()): void {
  if (!existsSync(path)) {
    throw new UserError('TensorFlow is not set up here; npm run setup:tensorflow builds it');
  }
}

async function load(): Promise<TensorFlow> {
  requireBinding();
  process.env.TF_CPP_MIN_LOG_LEVEL ??= ERRORS_ONLY;
  // TensorFlow turns oneDNN on by itself with AVX-512 only; with AVX2 a training step takes a third less CPU time.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  restoreUtilFunctions();
  try {
    // Not by import(): it sees only those names of a CommonJS module that it finds without running it.
    const tf = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as TensorFlow;
    await tf.ready();
    return tf;
  } catch (error) {
    const reason = errorMessage(error).split('\n')[0];
    throw new UserError(`TensorFlow does not load (${reason}); npm run setup:tensorflow mends it`);
  }
}

/**
 * Gives `node:util` the two functions that tfjs-node 4.22 calls in its kernels and that Node is dropping:
 * Node 22 warns at their use, Node 23 lacks the first.
 */
function restoreUtilFunctions(): void {
  const isNullOrUndefined = (value: unknown): value is null | undefined =>
    value === null || value === undefined;
  Object.assign(util, { isNullOrUndefined, isArray: Array.isArray });
}
