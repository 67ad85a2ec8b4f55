import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { errorMessage, oneLine, UserError } from '../errors.ts';
import type { FileTree, OpenFile } from '../fs/file-tree.ts';
import { sizeOf } from './graph.ts';
import { parseModel, serializeModel } from './parse-model.ts';
import { byteLengthOf, dataTypeOf } from './tensor-proto.ts';

const { onnx } = onnxProto;

/** What a message of protocol buffers can hold at most. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

/**
 * Puts tensors that a model keeps in files beside it
 * (https://onnx.ai/onnx/repo-docs/ExternalData.html) into the model itself. Only files in the model's folder
 * and below are read ({@link FileTree.beside}), and no more of them than the tensors' shapes need.
 * @param path the model's file
 * @param tree where it and those files are
 * @returns the same bytes if the model is whole already
 * @throws UserError if the data is missing, of another size than declared, elsewhere, or too much for one file
 */
export async function inlineExternalData(
  bytes: Uint8Array,
  path: string,
  source: string,
  tree: FileTree,
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
      tensor.rawData = await readPlace(place, path, where, tree);
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
  model: string,
  where: string,
  tree: FileTree,
): Promise<Uint8Array> {
  const file = await openBeside(model, location, where, tree);
  try {
    if (offset + length > file.size) {
      throw new UserError(
        `${where} needs bytes ${offset} to ${offset + length} of "${location}", which has ${file.size}`,
      );
    }
    return await file.part(offset, length).catch((error: unknown) => {
      throw new UserError(`${where}: "${location}" ${errorMessage(error)}`);
    });
  } finally {
    await file.close();
  }
}

async function openBeside(model: string, location: string, where: string, tree: FileTree): Promise<OpenFile> {
  try {
    return await tree.open(await tree.beside(model, location));
  } catch (error) {
    throw new UserError(`${where}: the file of its external data, "${location}", ${errorMessage(error)}`);
  }
}
