import { UserError } from '../errors.ts';
import { type Field, type FieldKind, type MessageName, WIRE_SCHEMA } from './wire-schema.ts';

/** Messages within messages; protobuf's own decoders stop at the same depth. */
const MAX_DEPTH = 100;
/**
 * Bytes that what is decoded may take beside the raw data of tensors, which is not copied. A file of tiny
 * messages grows some eightyfold in memory; a real model, even of ten thousand nodes, stays far below this.
 */
const MAX_DECODED = 256 * 2 ** 20;

/** What decoding costs, measured with protobufjs: a message, an integer of 64 or 32 bits, a text or view. */
const MESSAGE_BYTES = 200;
const INTEGER_BYTES: Readonly<Record<string, number>> = { ints: 60, int32s: 8 };
const TEXT_BYTES = 100;

/** The wire types of protocol buffers; 3 and 4, groups, are in no ONNX file. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

const WIRE_TYPES: Readonly<Record<string, readonly number[]>> = {
  int: [VARINT],
  float: [FIXED32],
  double: [FIXED64],
  bytes: [LENGTH],
  ints: [VARINT, LENGTH],
  int32s: [VARINT, LENGTH],
  floats: [FIXED32, LENGTH],
  doubles: [FIXED64, LENGTH],
};

/**
 * Checks the bytes of a model before they are decoded: that every field ends within its message, is stored as
 * its kind is, and is there once where it may be; that messages nest no deeper than {@link MAX_DEPTH}; and
 * that decoding takes a bounded amount of memory. Decoders differ in what they make of a file that breaks
 * these rules, so that what we check would not be what onnxruntime runs. Fields of later versions of the
 * format are skipped, and kept as they are.
 * @throws UserError
 */
export function checkWire(bytes: Uint8Array, source: string): void {
  const damaged = () => new UserError(`${source} is not an ONNX model, or is truncated`);
  let budget = MAX_DECODED;
  const spend = (cost: number): void => {
    budget -= cost;
    if (budget < 0) throw new UserError(`${source} has too many parts to be read: it would fill the memory`);
  };
  let at = 0;

  /** A varint as a number; of one above 2^53 the low bits are lost, which no length or tag may be. */
  const varint = (end: number): number => {
    let value = 0;
    for (let factor = 1, length = 0; length < 10; length++, factor *= 128) {
      if (at >= end) throw damaged();
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw damaged();
  };

  const skip = (wireType: number, end: number): void => {
    let size = 0;
    if (wireType === VARINT || wireType === LENGTH) {
      const value = varint(end);
      if (wireType === LENGTH) size = value;
    } else if (wireType === FIXED64) size = 8;
    else if (wireType === FIXED32) size = 4;
    else throw damaged();
    if (at + size > end) throw damaged();
    at += size;
  };

  const list = (kind: FieldKind, size: number): void => {
    const end = at + size;
    const integer = INTEGER_BYTES[kind];
    if (integer !== undefined) {
      while (at < end) {
        varint(end);
        spend(integer);
      }
      return;
    }
    if (size % (kind === 'floats' ? 4 : 8) !== 0) throw damaged();
    at = end;
  };

  const message = (name: MessageName, end: number, depth: number): void => {
    if (depth > MAX_DEPTH) {
      throw new UserError(`${source} nests more than ${MAX_DEPTH} levels deep; it is damaged or hostile`);
    }
    spend(MESSAGE_BYTES);
    const seen = new Set<number>();
    while (at < end) {
      const tag = varint(end);
      const wireType = tag % 8;
      const number = Math.floor(tag / 8);
      if (number === 0 || tag >= 2 ** 32) throw damaged();
      const field = WIRE_SCHEMA.get(name)!.get(number);
      if (!field) {
        skip(wireType, end);
        spend(TEXT_BYTES);
        continue;
      }
      if (!(WIRE_TYPES[field.kind] ?? [LENGTH]).includes(wireType)) throw damaged();
      if (field.single) {
        if (seen.has(number))
          throw new UserError(`${source} has two of a part that there is one of (${name})`);
        seen.add(number);
      }
      if (wireType === LENGTH) lengthDelimited(field, end, depth);
      else {
        skip(wireType, end);
        spend(INTEGER_BYTES[field.kind] ?? 0);
      }
    }
  };

  const lengthDelimited = ({ kind }: Field, end: number, depth: number): void => {
    const size = varint(end);
    if (at + size > end) throw damaged();
    if (kind === 'bytes') {
      spend(TEXT_BYTES);
      at += size;
    } else if (kind in WIRE_TYPES) {
      list(kind, size);
    } else {
      message(kind as MessageName, at + size, depth + 1);
    }
  };

  message('Model', bytes.length, 1);
}
