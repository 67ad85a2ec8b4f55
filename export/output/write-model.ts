import { basename } from 'node:path';
import { externalDataChunks, planExternalData } from '../../core/onnx/external-data.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { encodeModelChunks } from '../../core/onnx/model-file.ts';
import type { Staging } from './staging.ts';

/** Protocol buffers end at 2 GiB; the rest is for graph and metadata, and for more metadata later on. */
const MAX_TENSOR_BYTES = 2 ** 31 - 2 ** 26;

/** Whether a model is too large for one file. */
export function needsExternalData(graph: Graph): boolean {
  let bytes = 0;
  for (const { data } of graph.initializers.values()) bytes += data.byteLength;
  return bytes > MAX_TENSOR_BYTES;
}

export interface WriteModelOptions {
  opset?: number | undefined;
  /** Path of the file that is to hold the weights; left out: the model holds them. */
  data?: string | undefined;
}

/** Writes a model into a staging folder; its weights go from memory to the file as they are. */
export async function writeModel(
  staging: Staging,
  path: string,
  graph: Graph,
  metadata: Readonly<Record<string, string>>,
  { opset, data }: WriteModelOptions = {},
): Promise<void> {
  const external = data === undefined ? undefined : planExternalData(graph, basename(data));
  if (data !== undefined && external) await staging.write(data, externalDataChunks(graph, external));
  await staging.write(path, encodeModelChunks(graph, metadata, { opset, external }).chunks);
}
