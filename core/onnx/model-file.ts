export { decodeModel } from './decode-model.ts';
export {
  type EncodeOptions,
  encodeModel,
  encodeModelChunks,
  encodeMoreMetadata,
  encodeMoreOutputs,
} from './encode-model.ts';
export { IR_VERSION, OPSET_VERSION } from './opset.ts';
