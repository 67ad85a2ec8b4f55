import { errorMessage, oneLine, UserError } from '../errors.ts';
import { DISK } from '../fs/file-tree.ts';
import { openRegularFile, readRegularFile } from '../fs/regular-file.ts';
import { refuseStandIns } from '../not-a-model.ts';
import type { DataType, Graph, TensorValue } from '../onnx/graph.ts';
import { inlineExternalData } from '../onnx/inline-external-data.ts';
import { decodeModel } from '../onnx/model-file.ts';
import { FLOAT_BYTES, type FloatFormat, toFloat32 } from './float-formats.ts';
import { matchGraph } from './match-graph.ts';
import { modelTensorNames, netPrefix, toTorchvisionNames } from './names.ts';
import { isPyTorch } from './pytorch/archive.ts';
import { readPyTorch } from './pytorch/state-dict.ts';
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
  /** Tensors that were not read, by the same names, and what they are. */
  left: ReadonlyMap<string, string>;
  /** What its user should know, a line each. */
  notes: string[];
}

/**
 * What is to be told of a file's weights beside what was made of them, a line each.
 * @param beside tensors that are not of the net
 */
export function describeWeights({ notes, left }: LoadedWeights, beside: readonly string[] = []): string[] {
  const unread = [...left].map(([name, what]) => `${JSON.stringify(name)} (${what})`);
  const stray = beside.map((name) => JSON.stringify(name));
  return [
    ...notes.map((note) => `note      ${note}`),
    ...(stray.length > 0 ? [`left out  ${listed(stray)}, which the net has not`] : []),
    ...(unread.length > 0 ? [`not read  ${listed(unread)}`] : []),
  ].map(oneLine);
}

/** Of weights that Hugging Face's libraries put into several files. */
const JOIN_PARTS =
  'must be put into one file first, as save_pretrained(DIR, max_shard_size="100GB") of transformers does';

/** The first of a long list, and how many more there are. */
function listed(items: readonly string[], count = 8): string {
  const more = items.length - count;
  return items.slice(0, count).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/**
 * Reads a model's weights from a .safetensors file, a PyTorch checkpoint (.pth, .pt) or an ONNX model; what it
 * is shows in its first bytes, the extension is not looked at. Floating-point tensors come as float32, those
 * of integers and optimiser state are left out, and of a checkpoint with averaged weights those are taken. Of an ONNX model that computes what one of
 * the zoo does, weights are found by their place in the graph, whatever their names are. An exported one has those
 * of convs that batch norm was folded into, with a bias each; they can be evaluated, but not unfolded.
 * @throws UserError if the file cannot be read, is damaged, or holds no weights
 */
export async function loadWeights(path: string, options: LoadWeightsOptions = {}): Promise<LoadedWeights> {
  const [, part, parts] = /-0*([1-9]\d*)-of-0*([1-9]\d*)\.[a-z]+$/i.exec(path) ?? [];
  if (part !== undefined && parts !== '1') {
    throw new UserError(`${path} has part ${part} of ${parts} of a net's weights, which ${JOIN_PARTS}`);
  }
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
  return !isPyTorch(start) && beginsAsSafetensors(start);
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
  return weightsFormat(bytes, path) === 'onnx' ? inlineExternalData(bytes, path, path, DISK) : bytes;
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
  const { tensors, ...rest } = decode(bytes, source, format, options.key);
  if (options.key === undefined || format === 'pytorch') {
    return loaded(format, { ...rest, tensors: modelTensors(tensors) }, source);
  }
  const start = `${options.key}.`;
  const named = [...tensors].filter(([name]) => name.startsWith(start));
  if (named.length === 0) {
    throw new UserError(`${source} is no PyTorch checkpoint, so it has no entry "${options.key}"`);
  }
  const below = new Map(named.map(([name, tensor]) => [name.slice(start.length), tensor]));
  return loaded(format, { ...rest, left: new Map(), tensors: below }, source);
}

function loaded(
  format: WeightsFormat,
  { tensors, metadata, left = new Map(), notes = [] }: TensorFile & { notes?: string[] },
  source: string,
): LoadedWeights {
  if (tensors.size === 0) throw new UserError(`${source} holds no weights`);
  const together = new Map<string, TensorOrReason>([...tensors, ...left]);
  const named = [...toTorchvisionNames(together, source)];
  const nets = netPrefix([...together.keys()]);
  const others = (nets?.others ?? []).map((prefix) => `"${prefix}"`);
  const several =
    others.length > 0
      ? [
          `of several nets in it, "${nets!.prefix}" was taken, not ${others.join(', ')}; --key takes another, e.g. ` +
            `--key ${nets!.others[0]!.replace(/\.$/, '')}`,
        ]
      : [];
  return {
    format,
    tensors: new Map(named.flatMap(([name, value]) => (typeof value === 'string' ? [] : [[name, value]]))),
    metadata,
    left: new Map(named.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []))),
    notes: [...notes, ...several],
  };
}

type TensorOrReason = string | { dims: number[]; data: Float32Array };

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
  if (beginsAsSafetensors(bytes)) return 'safetensors';
  const other = OTHER_FORMATS.find(({ begins, at }) => begins.every((byte, i) => bytes[at + i] === byte));
  if (other) throw new UserError(`${source} is ${other.what}`);
  refuseStandIns(bytes, source);
  if (/^\s*\{/.test(new TextDecoder('latin1').decode(bytes.subarray(0, 64)))) {
    throw new UserError(
      `${source} is JSON; weights in several parts, of which it may be the index, ${JOIN_PARTS}`,
    );
  }
  // An ONNX model begins with its IR version or, written by others, another of the fields 1 to 8.
  const field = (bytes[0] ?? 0) >> 3;
  if (field >= 1 && field <= 8) return 'onnx';
  throw new UserError(`${source} is no safetensors file, PyTorch checkpoint or ONNX model, or is truncated`);
}

/** After the length of its header, in 64 bits of which the last are zero, a safetensors file has a JSON object. */
function beginsAsSafetensors(bytes: Uint8Array): boolean {
  return bytes[7] === 0 && bytes[8] === 0x7b;
}

/** What is mistaken for a file of weights, and how to make one of it. */
const OTHER_FORMATS: readonly { what: string; begins: readonly number[]; at: number }[] = [
  {
    what: 'a tar archive, as PyTorch before 0.1.10 wrote; load and save it again with a newer PyTorch',
    ...{ begins: [...Buffer.from('ustar')], at: 257 },
  },
  { what: 'compressed with gzip; unpack it first', begins: [0x1f, 0x8b], at: 0 },
  {
    what: 'a pickle that torch.save did not write; in Python, load it and torch.save(state_dict, FILE)',
    ...{ begins: [0x80], at: 0 },
  },
  { what: 'of Keras or of another program that writes HDF5', begins: [0x89, 0x48, 0x44, 0x46], at: 0 },
];

function decode(
  bytes: Uint8Array,
  source: string,
  format: WeightsFormat,
  key?: string,
): TensorFile & { notes?: string[] } {
  if (format === 'safetensors') return decodeSafetensors(bytes, source, { convert: true });
  if (format === 'pytorch') return readPyTorch(bytes, source, key);
  const { graph, metadata } = decodeModel(bytes, source);
  const match = matchGraph(graph);
  if ('model' in match) return { tensors: match.tensors, metadata };
  return {
    ...floatTensors(graph),
    metadata,
    notes: [`of no model of the zoo by its graph: ${match.reason}`],
  };
}

/** Every constant of floating-point numbers in a graph, by its name, and what else may be a weight. */
function floatTensors(graph: Graph): Pick<TensorFile, 'tensors'> & { left: Map<string, string> } {
  const tensors: TensorFile['tensors'] = new Map();
  const left = new Map<string, string>();
  const add = (name: string, { dtype, dims, data }: TensorValue): void => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (tensors.has(name)) left.set(name, 'there twice, in several bodies');
    else if (dtype in FLOAT_BYTES) tensors.set(name, { dims, data: toFloat32(bytes, dtype as FloatFormat) });
    // Of integers, sizes and indices are lists or single numbers; weights of quantised nets are more.
    else if (dims.length > 1 || !INTEGERS.includes(dtype)) left.set(name, `of type ${dtype}`);
  };
  const visit = ({ initializers, nodes }: Graph): void => {
    for (const [name, tensor] of initializers) add(name, tensor);
    for (const { op, outputs, attributes } of nodes) {
      for (const [key, attribute] of Object.entries(attributes)) {
        if (attribute.type === 'graph') visit(attribute.value);
        if (attribute.type === 'tensor' && op === 'Constant' && key === 'value')
          add(outputs[0]!, attribute.value);
      }
    }
  };
  visit(graph);
  return { tensors, left };
}

const INTEGERS: readonly DataType[] = ['int64', 'int32', 'bool', 'string', 'int8', 'uint8'];
