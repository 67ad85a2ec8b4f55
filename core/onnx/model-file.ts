export { decodeModel } from './decode-model.ts';
export {
  encodeModel,
  encodeModelChunks,
  encodeMoreMetadata,
  encodeMoreOutputs,
} from './encode-model.ts';
export { type EncodeOptions, IR_VERSION, OPSET_VERSION } from './opset.ts';
