import loaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import * as ort from 'onnxruntime-web/webgpu';
import { Lock } from './lock.ts';
import { THREADS } from './threads.ts';

// Twice the size of the build without WebGPU, so it is only loaded where there is a GPU to run on.
ort.env.wasm.wasmPaths = { mjs: loaderUrl, wasm: wasmUrl };
ort.env.wasm.numThreads = THREADS;
ort.env.logLevel = 'error';

/** For all that this runtime does. */
const lock = new Lock();

export { lock, ort, wasmUrl };
