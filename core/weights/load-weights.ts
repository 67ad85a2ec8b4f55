import { errorMessage, oneLine, UserError } from '../errors.ts';
import { openRegularFile, readRegularFile } from '../fs/regular-file.ts';
import { inlineExternalData } from '../onnx/inline-external-data.ts';
import { decodeModel } from '../onnx/model-file.ts';
import { initializerRoles } from '../onnx/roles.ts';
import { modelTensorNames } from './model-tensor-names.ts';
import { toTorchvisionNames } from './names.ts';
import { isPyTorch } from './pytorch/archive.ts';
import { decodePyTorch } from './pytorch/decode.ts';
import { readSafetensors } from './read-safetensors.ts';
import { decodeSafetensors, type TensorFile } from './safetensors.ts';

export type WeightsFormat = 'safetensors' | 'pytorch' | 'onnx';

export interface LoadWeightsOptions {
  /** The entry of a PyTorch checkpoint that is the state dict; left out: found by the usual names. */
  key?: string | undefined;
}

export interface LoadedWeights {
  format: WeightsFormat;
  /** Float32, by torchvision's names where they are known. */
  tensors: TensorFile['tensors'];
  /** The strings that a safetensors or ONNX file carries; empty for PyTorch. */
  metadata: Record<string, string>;
}

/**
 * Reads a model's weights from a .safetensors file, a PyTorch checkpoint (.pth, .pt) or an ONNX model; what it
 * is shows in its first bytes, the extension is not looked at. Floating-point tensors come as float32, those
 * of integers and optimiser state are left out, and of a checkpoint with averaged weights those are taken. An exported ONNX model has the weights of convs that batch
 * norm was folded into, with a bias each; they can be evaluated, but not unfolded.
 * @throws UserError if the file cannot be read, is damaged, or holds no weights
 */
export async function loadWeights(path: string, options: LoadWeightsOptions = {}): Promise<LoadedWeights> {
  if (options.key === undefined && (await isSafetensors(path))) {
    // Of a checkpoint, the optimiser's state is most of the file.
    return readSafetensors(path, modelTensorNames, { convert: true })
      .then((file) => loaded('safetensors', file, path))
      .catch(failInOneLine);
  }
  return decodeWeights(await readWeightsFile(path), path, options);
}

async function isSafetensors(path: string): Promise<boolean> {
  const start = new Uint8Array(16);
  const file = await openRegularFile(path).catch((error: unknown) => {
    throw new UserError(`cannot read ${path}: ${errorMessage(error)}`);
  });
  try {
    await file.read(start);
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${errorMessage(error)}`);
  } finally {
    await file.close();
  }
  return weightsFormat(start, path) === 'safetensors';
}

/**
 * The bytes of a weights file; an ONNX model's with the tensors it keeps in files beside it.
 * @throws UserError if there are none, or they are no weights file's
 */
export async function readWeightsFile(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(path);
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${errorMessage(error)}`);
  }
  return weightsFormat(bytes, path) === 'onnx' ? inlineExternalData(bytes, path, path) : bytes;
}

/** Reads weights from a file's bytes, as {@link loadWeights} does. */
export function decodeWeights(
  bytes: Uint8Array,
  source: string,
  options: LoadWeightsOptions = {},
): LoadedWeights {
  try {
    return decodeAs(weightsFormat(bytes, source), bytes, source, options);
  } catch (error) {
    return failInOneLine(error);
  }
}

/** Names in a hostile file may hold line feeds. */
function failInOneLine(error: unknown): never {
  if (!(error instanceof UserError)) throw error;
  throw new UserError(oneLine(error.message));
}

function decodeAs(
  format: WeightsFormat,
  bytes: Uint8Array,
  source: string,
  options: LoadWeightsOptions,
): LoadedWeights {
  if (options.key !== undefined && format !== 'pytorch') {
    throw new UserError(`${source} is no PyTorch checkpoint, so it has no entry "${options.key}"`);
  }
  const { tensors, metadata } = decode(bytes, source, format, options.key);
  return loaded(format, { tensors: modelTensors(tensors), metadata }, source);
}

function loaded(format: WeightsFormat, { tensors, metadata }: TensorFile, source: string): LoadedWeights {
  if (tensors.size === 0) throw new UserError(`${source} holds no weights`);
  return { format, tensors: toTorchvisionNames(tensors, source), metadata };
}

/** The model's own tensors of a checkpoint, averaged where it keeps an average. */
function modelTensors(tensors: TensorFile['tensors']): TensorFile['tensors'] {
  const names = modelTensorNames([...tensors.keys()]);
  return new Map([...names].map(([name, as]) => [as, tensors.get(name)!]));
}

/**
 * Tells the format by a file's first bytes.
 * @throws UserError if it is none of the three
 */
export function weightsFormat(bytes: Uint8Array, source: string): WeightsFormat {
  if (isPyTorch(bytes)) return 'pytorch';
  // After the length of its header, in 64 bits of which the last are zero, a safetensors file has a JSON object.
  if (bytes[7] === 0 && bytes[8] === OPENING_BRACE) return 'safetensors';
  // An ONNX model begins with its IR version or, written by others, another of the fields 1 to 8.
  const field = (bytes[0] ?? 0) >> 3;
  if (field >= 1 && field <= 8) return 'onnx';
  throw new UserError(`${source} is no safetensors file, PyTorch checkpoint or ONNX model, or is truncated`);
}

const OPENING_BRACE = 0x7b;

function decode(bytes: Uint8Array, source: string, format: WeightsFormat, key?: string): TensorFile {
  if (format === 'safetensors') return decodeSafetensors(bytes, source, { convert: true });
  if (format === 'pytorch') return { tensors: decodePyTorch(bytes, source, key), metadata: {} };
  const { graph, metadata } = decodeModel(bytes, source);
  const { parameters, buffers } = initializerRoles(graph);
  const tensors: TensorFile['tensors'] = new Map();
  for (const name of [...parameters, ...buffers]) {
    const { dims, data } = graph.initializers.get(name)!;
    // The roles are those of float32 tensors only.
    tensors.set(name, { dims, data: data as Float32Array });
  }
  return { tensors, metadata };
}
