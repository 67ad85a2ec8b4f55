import type { Graph, TensorValue } from './graph.ts';

/** Tensors of a model that are kept in a file beside it (https://onnx.ai/onnx/repo-docs/ExternalData.html). */
export interface ExternalData {
  /** Name of that file, in the folder of the model's. */
  location: string;
  /** Where each tensor's bytes are in it, by the tensor's name. */
  places: ReadonlyMap<string, { offset: number; length: number }>;
}

/** Offsets are multiples of a page, so that readers can map tensors into memory. */
const ALIGNMENT = 4096;

/** Smaller tensors stay in the model: shape inference reads some of them, and a page each would be wasted. */
const MIN_BYTES = 1024;

/** Lays out a graph's tensors one after another in a file `location`. */
export function planExternalData(graph: Graph, location: string): ExternalData {
  const places = new Map<string, { offset: number; length: number }>();
  let end = 0;
  for (const [name, { data }] of graph.initializers) {
    if (data.byteLength < MIN_BYTES) continue;
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    places.set(name, { offset, length: data.byteLength });
    end = offset + data.byteLength;
  }
  return { location, places };
}

/** The contents of the file that {@link planExternalData} laid out; tensors are not copied. */
export function* externalDataChunks(graph: Graph, { places }: ExternalData): Generator<Uint8Array> {
  let end = 0;
  for (const [name, { offset, length }] of places) {
    if (offset > end) yield new Uint8Array(offset - end);
    yield bytesOf(graph.initializers.get(name)!);
    end = offset + length;
  }
}

function bytesOf({ data }: TensorValue): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
