import type { onnx as Onnx } from 'onnx-proto';
import { onnx } from './newer-fields.ts';
import { parseModel, serializeModel } from './parse-model.ts';
import { subgraphs } from './rename-values.ts';

/** As `planExternalData` has them. */
const ALIGNMENT = 4096;
const MIN_BYTES = 1024;

/**
 * Takes the weights out of a model's bytes, those of its subgraphs too: into a file beside it, as
 * `planExternalData` does for a graph of ours. All else is kept as it is.
 * @param location name of that file
 * @returns the model, and the file's bytes piece by piece
 */
export function externalize(
  bytes: Uint8Array,
  location: string,
  source: string,
): { model: Uint8Array; data: Uint8Array[] } {
  const model = parseModel(bytes, source);
  const data: Uint8Array[] = [];
  let end = 0;
  for (const tensor of initializersOf(model.graph)) {
    const raw = tensor.rawData;
    if (!raw || raw.length < MIN_BYTES) continue;
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    if (offset > end) data.push(new Uint8Array(offset - end));
    data.push(raw);
    end = offset + raw.length;
    const entries = { location, offset: String(offset), length: String(raw.length) };
    tensor.externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    tensor.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
    tensor.rawData = new Uint8Array(0);
  }
  return { model: serializeModel(model), data };
}

function initializersOf(graph: Onnx.IGraphProto): Onnx.ITensorProto[] {
  return [
    ...(graph.initializer ?? []),
    ...(graph.node ?? []).flatMap((node) => subgraphs(node).flatMap(initializersOf)),
  ];
}
