import { UserError } from '../errors.ts';
import { refuseStandIns } from '../not-a-model.ts';
import { type Onnx, onnx } from './newer-fields.ts';
import { checkWire } from './wire-check.ts';

/** How a zip file begins. */
const ZIP = [0x50, 0x4b, 0x03, 0x04];

/**
 * Parses the bytes of an ONNX model as messages, without looking at what they say; the raw data of tensors
 * stays in the memory of `bytes`.
 * @throws UserError if they are none, or would not fit in memory as such (see {@link checkWire})
 */
export function parseModel(bytes: Uint8Array, source: string): Onnx.ModelProto & { graph: Onnx.IGraphProto } {
  refuseStandIns(bytes, source);
  if (ZIP.every((byte, i) => bytes[i] === byte)) {
    throw new UserError(
      `${source} is a zip file, as of PyTorch, and no ONNX model; npm run weights -- FILE.pth FILE.onnx makes one of a ResNet and other nets that are known here, torch.onnx.export in Python of any`,
    );
  }
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

/** The bytes of a parsed model, with all that was in it, of newer versions of the format too. */
export function serializeModel(model: Onnx.IModelProto): Uint8Array {
  const { buffer, byteOffset, length } = onnx.ModelProto.encode(model).finish();
  // A plain array instead of a Buffer, whose `slice` shares memory where that of an array copies.
  return new Uint8Array(buffer, byteOffset, length);
}
