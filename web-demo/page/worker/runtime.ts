import loaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';
import { Lock } from './lock.ts';
import { THREADS } from './threads.ts';

// Both files come from the build, so the page needs no network beyond its own server.
ort.env.wasm.wasmPaths = { mjs: loaderUrl, wasm: wasmUrl };
ort.env.wasm.numThreads = THREADS;
ort.env.logLevel = 'error';

/** For all that this runtime does. */
const lock = new Lock();

export { lock, ort, wasmUrl };
