import { open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { errorMessage, oneLine, UserError } from '../errors.ts';
import { sizeOf } from './graph.ts';
import { parseModel, serializeModel } from './parse-model.ts';
import { byteLengthOf, dataTypeOf } from './tensor-proto.ts';

const { onnx } = onnxProto;

/** What a message of protocol buffers can hold at most. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

/**
 * Puts tensors that a model keeps in files beside it
 * (https://onnx.ai/onnx/repo-docs/ExternalData.html) into the model itself. Only files in the model's folder
 * and below are read, wherever a path or a symbolic link leads, and no more of them than the tensors' shapes need.
 * @param folder the folder the model lies in
 * @returns the same bytes if the model is whole already
 * @throws UserError if the data is missing, of another size than declared, elsewhere, or too much for one file
 */
export async function inlineExternalData(
  bytes: Uint8Array,
  folder: string,
  source: string,
): Promise<Uint8Array> {
  try {
    const model = parseModel(bytes, source);
    const tensors = externalTensors(model.graph);
    if (tensors.length === 0) return bytes;
    let total = bytes.length;
    for (const tensor of tensors) {
      const where = `${source}: tensor "${tensor.name ?? ''}"`;
      const place = placeOf(tensor, where);
      total += place.length;
      if (total > MAX_MODEL_BYTES) throw new UserError(`${source}: its external data is more than 2 GB`);
      tensor.rawData = await readPlace(place, folder, where);
      tensor.externalData = [];
      tensor.dataLocation = onnx.TensorProto.DataLocation.DEFAULT;
    }
    return serializeModel(model);
  } catch (error) {
    throw error instanceof UserError ? new UserError(oneLine(error.message)) : error;
  }
}

interface Place {
  location: string;
  offset: number;
  length: number;
}

/** The tensors of a graph and its subgraphs that are stored elsewhere. */
function externalTensors(graph: Onnx.IGraphProto): Onnx.ITensorProto[] {
  const attributes = (graph.node ?? []).flatMap((node) => node.attribute ?? []);
  const own = [...(graph.initializer ?? []), ...attributes.flatMap(({ t }) => t ?? [])];
  return [
    ...own.filter(({ dataLocation }) => dataLocation === onnx.TensorProto.DataLocation.EXTERNAL),
    ...attributes.flatMap(({ g }) => (g ? externalTensors(g) : [])),
  ];
}

/** Where a tensor's data is, as long as its shape says. */
function placeOf(tensor: Onnx.ITensorProto, where: string): Place {
  const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value ?? '']));
  const number = (key: string, fallback: number): number => {
    const text = entries.get(key);
    if (text === undefined) return fallback;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(value))
      throw new UserError(`${where}: its external ${key} "${text}" is no size in bytes`);
    return value;
  };
  const dtype = dataTypeOf(tensor.dataType);
  if (dtype === undefined) throw new UserError(`${where} has the unsupported data type ${tensor.dataType}`);
  const dims = (tensor.dims ?? []).map(Number);
  const needed = byteLengthOf(dtype, sizeOf(dims));
  const length = number('length', needed);
  if (dims.some((dim) => dim < 0) || length !== needed) {
    throw new UserError(`${where} has ${length} bytes of external data, its shape [${dims}] needs ${needed}`);
  }
  return { location: entries.get('location') ?? '', offset: number('offset', 0), length };
}

async function readPlace(
  { location, offset, length }: Place,
  folder: string,
  where: string,
): Promise<Uint8Array> {
  const path = await resolveInside(folder, location, where);
  const { size } = await stat(path);
  if (offset + length > size) {
    throw new UserError(
      `${where} needs bytes ${offset} to ${offset + length} of "${location}", which has ${size}`,
    );
  }
  const data = new Uint8Array(length);
  const file = await open(path);
  try {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(data, done, length - done, offset + done);
      if (bytesRead === 0) throw new UserError(`${where}: "${location}" was cut short while it was read`);
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
  return data;
}

/** The file a location stands for; a hostile one would name a file of the machine, or a device. */
async function resolveInside(folder: string, location: string, where: string): Promise<string> {
  // Backslashes separate folders on Windows only, where the exporter may have run.
  const parts = location.split(/[\\/]/);
  if (location === '' || location.includes('\0') || isAbsolute(location) || parts.includes('..')) {
    throw new UserError(
      `${where}: its external data is in "${location}", which is not in the model's folder`,
    );
  }
  let path: string;
  let root: string;
  try {
    root = await realpath(folder);
    path = await realpath(join(folder, ...parts));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing
      ? 'is missing; it must lie beside the model'
      : `cannot be read: ${errorMessage(error)}`;
    throw new UserError(`${where}: the file of its external data, "${location}", ${reason}`);
  }
  const inside = relative(root, path);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new UserError(`${where}: its external data "${location}" is a link out of the model's folder`);
  }
  if (!(await stat(path)).isFile())
    throw new UserError(`${where}: its external data "${location}" is no file`);
  return path;
}
