export { decodeModel } from './decode-model.ts';
export { encodeModel, IR_VERSION, OPSET_VERSION } from './encode-model.ts';
