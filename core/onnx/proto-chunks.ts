import type { onnx as Onnx } from 'onnx-proto';

/** What onnx-proto's `encode` gives: protobufjs's writer, a list of values that are not yet bytes. */
type Writer = ReturnType<typeof Onnx.ModelProto.encode>;

/** An entry of that list (protobufjs, src/writer.js): `fn` puts `val`, `len` bytes long, at a position. */
interface Operation {
  fn: (val: unknown, buffer: Uint8Array, position: number) => void;
  len: number;
  val: unknown;
  next?: Operation;
}

/** Bytes gathered into one chunk; longer runs of bytes are chunks of their own. */
const CHUNK_BYTES = 65_536;

/**
 * An encoded message piece by piece instead of in one array, as `finish()` would give it: long byte fields,
 * which are a model's tensors, are handed out by reference. So a message can be written that fits no array,
 * without a copy of what is in it.
 */
export function writerChunks(writer: Writer): { length: number; chunks: Iterable<Uint8Array> } {
  // The first entry does nothing.
  const first = (writer.head as Operation).next;
  return { length: writer.len, chunks: { [Symbol.iterator]: () => chunksFrom(first) } };
}

function* chunksFrom(first: Operation | undefined): Generator<Uint8Array, void, void> {
  let buffer = Buffer.alloc(CHUNK_BYTES);
  let used = 0;
  for (let operation = first; operation; operation = operation.next) {
    const { fn, len, val } = operation;
    if (used > 0 && used + len > CHUNK_BYTES) {
      yield buffer.subarray(0, used);
      buffer = Buffer.alloc(CHUNK_BYTES);
      used = 0;
    }
    if (len <= CHUNK_BYTES) {
      fn(val, buffer, used);
      used += len;
    } else if (val instanceof Uint8Array) {
      yield val;
    } else {
      const own = Buffer.alloc(len);
      fn(val, own, 0);
      yield own;
    }
  }
  if (used > 0) yield buffer.subarray(0, used);
}
