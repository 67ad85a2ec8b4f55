import { UserError } from '../errors.ts';
import { type Onnx, onnx } from './newer-fields.ts';
import { checkWire } from './wire-check.ts';

/**
 * Parses the bytes of an ONNX model as messages, without looking at what they say; the raw data of tensors
 * stays in the memory of `bytes`.
 * @throws UserError if they are none, or would not fit in memory as such (see {@link checkWire})
 */
export function parseModel(bytes: Uint8Array, source: string): Onnx.ModelProto & { graph: Onnx.IGraphProto } {
  refuseOthers(bytes, source);
  checkWire(bytes, source);
  let model: Onnx.ModelProto;
  try {
    model = onnx.ModelProto.decode(bytes);
  } catch {
    throw new UserError(`${source} is not an ONNX model, or is truncated`);
  }
  const { graph } = model;
  if (!graph || (graph.node ?? []).length === 0) {
    throw new UserError(`${source} is not an ONNX model: it has no graph`);
  }
  return Object.assign(model, { graph });
}

/**
 * Says of files that are often there in the place of a model what they are.
 * @throws UserError
 */
function refuseOthers(bytes: Uint8Array, source: string): void {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  if (start.startsWith('version https://git-lfs')) {
    throw new UserError(
      `${source} is a pointer of Git LFS in the place of a model; git lfs pull gets the model`,
    );
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(start)) {
    throw new UserError(`${source} is a web page in the place of an ONNX model; download the file itself`);
  }
  if (start.startsWith('PK\x03\x04')) {
    throw new UserError(
      `${source} is a zip file, as of PyTorch, and no ONNX model; unzip it, or export it as ONNX`,
    );
  }
}

/** The bytes of a parsed model, with all that was in it, of newer versions of the format too. */
export function serializeModel(model: Onnx.IModelProto): Uint8Array {
  const { buffer, byteOffset, length } = onnx.ModelProto.encode(model).finish();
  // A plain array instead of a Buffer, whose `slice` shares memory where that of an array copies.
  return new Uint8Array(buffer, byteOffset, length);
}
