import './runtime.ts';

/** What stands in for onnxruntime-node where the trainer's code runs in the page: the same API. */
export { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
