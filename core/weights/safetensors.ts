import { createHash, type Hash } from 'node:crypto';
import { UserError } from '../errors.ts';
import { sizeOf } from '../onnx/graph.ts';
import { FLOAT_BYTES, type FloatFormat, toFloat32 } from './float-formats.ts';

/**
 * The safetensors format (https://github.com/huggingface/safetensors#format): 8 bytes little-endian header
 * length, a JSON header of dtype, shape and offsets, then the tensors' bytes. Ours, for it is bounded before it is
 * read, and written piece by piece. Safe to read from strangers: nothing in it runs. Float32 is what is written, and
 * what is read unless a reader asks for more.
 */
export interface TensorFile {
  tensors: Map<string, { dims: number[]; data: Float32Array }>;
  metadata: Record<string, string>;
  /** Tensors that were not read, and what they are; counters are not told of. */
  left?: Map<string, string>;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  /** Start and end, counted from the end of the header. */
  data_offsets: [number, number];
}

export interface DecodeOptions {
  /** Converts other floating-point tensors to float32, and leaves out those of anything else. */
  convert?: boolean;
}

const FLOATS: ReadonlyMap<string, FloatFormat> = new Map([
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['F64', 'float64'],
  ['F8_E4M3', 'float8e4m3fn'],
  ['F8_E5M2', 'float8e5m2'],
  ['F8_E4M3FNUZ', 'float8e4m3fnuz'],
  ['F8_E5M2FNUZ', 'float8e5m2fnuz'],
]);

/** Bytes an element of the types that are no weights. */
const OTHER_BYTES: ReadonlyMap<string, number> = new Map([
  ...['BOOL', 'I8', 'U8'].map((dtype) => [dtype, 1] as const),
  ...['I16', 'U16'].map((dtype) => [dtype, 2] as const),
  ...['I32', 'U32'].map((dtype) => [dtype, 4] as const),
  ...['I64', 'U64', 'C64'].map((dtype) => [dtype, 8] as const),
]);

/** Batch norm's count of batches, which nothing here needs. */
export function isCounter(name: string): boolean {
  return name.endsWith('num_batches_tracked');
}

/**
 * The metadata key of a file's checksum: the SHA-256 of all its bytes, with zeros where the checksum's own 64
 * digits are. Only we write it; files without it are read all the same.
 */
const CHECKSUM_KEY = 'onnx_classifier_sha256';
const NO_CHECKSUM = '0'.repeat(64);

/** Serialises tensors and string metadata with a checksum; the same content gives the same bytes. */
export function encodeSafetensors(file: TensorFile): Uint8Array {
  const metadata = { ...file.metadata, [CHECKSUM_KEY]: NO_CHECKSUM };
  const entries: [string, unknown][] = [['__metadata__', metadata]];
  let offset = 0;
  for (const [name, { dims, data }] of file.tensors) {
    if (sizeOf(dims) !== data.length) {
      throw new Error(`tensor ${name} has ${data.length} values, its shape [${dims}] needs ${sizeOf(dims)}`);
    }
    const entry: HeaderEntry = {
      dtype: 'F32',
      shape: dims,
      data_offsets: [offset, offset + data.byteLength],
    };
    entries.push([name, entry]);
    offset += data.byteLength;
  }
  let json = JSON.stringify(Object.fromEntries(entries));
  // The data starts at a multiple of 8, so that readers may map it.
  json += ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const head = Buffer.from(json);
  const out = new Uint8Array(8 + head.length + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(head.length), true);
  out.set(head, 8);
  let position = 8 + head.length;
  for (const { data } of file.tensors.values()) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  const digest = createHash('sha256').update(out).digest('hex');
  Buffer.from(out.buffer).write(digest, checksumPlace(head)! + 8, 'latin1');
  return out;
}

/** Where in a header the checksum's digits begin; undefined if it has none. */
function checksumPlace(header: Uint8Array): number | undefined {
  const key = `"${CHECKSUM_KEY}":"`;
  const at = Buffer.from(header.buffer, header.byteOffset, header.length).indexOf(key);
  return at < 0 ? undefined : at + key.length;
}

/** Tells whether a file is as it was written, from its bytes in order. */
export class ChecksumCheck {
  readonly #hash: Hash = createHash('sha256');
  readonly #expected: string;

  private constructor(header: Uint8Array, place: number) {
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
    this.#expected = Buffer.from(header.subarray(place, place + NO_CHECKSUM.length)).toString('latin1');
    this.#hash.update(length).update(header.subarray(0, place)).update(NO_CHECKSUM);
    this.#hash.update(header.subarray(place + NO_CHECKSUM.length));
  }

  /** @returns undefined if the file has no checksum of ours */
  static of(header: Uint8Array): ChecksumCheck | undefined {
    const place = checksumPlace(header);
    return place === undefined ? undefined : new ChecksumCheck(header, place);
  }

  /** The bytes after the header, in order. */
  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** @throws UserError if the file is not as it was written */
  finish(source: string): void {
    if (this.#hash.digest('hex') === this.#expected) return;
    throw new UserError(
      `${source} is damaged: its bytes are not those that its SHA-256 was made of; take another copy of it ` +
        `(if another program rewrote it, have it leave out the metadata "${CHECKSUM_KEY}")`,
    );
  }
}

/**
 * Reads a safetensors file. As the format demands, the tensors must cover the data without holes or overlaps;
 * a small file can therefore not claim a lot of memory.
 * @param source what to call it in an error, e.g. its path
 * @throws UserError if it is not one, is truncated, is not as it was written, or holds other types than are read
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  source: string,
  options: DecodeOptions = {},
): TensorFile {
  const length = headerLength(bytes, bytes.length, source);
  const header = decodeHeader(bytes.subarray(8, 8 + length), bytes.length, source, options);
  const check = ChecksumCheck.of(bytes.subarray(8, 8 + length));
  check?.add(bytes.subarray(8 + length));
  check?.finish(source);
  const tensors: TensorFile['tensors'] = new Map();
  for (const [name, { dims, format, from, to }] of header.tensors) {
    tensors.set(name, { dims, data: toFloat32(bytes.subarray(from, to), format) });
  }
  return { tensors, metadata: header.metadata, ...(header.left.size > 0 ? { left: header.left } : {}) };
}

/** A file's tensors of floats: what they are and where, in bytes from the file's first one. */
export interface SafetensorsHeader {
  tensors: Map<string, { dims: number[]; format: FloatFormat; from: number; to: number }>;
  metadata: Record<string, string>;
  /** The others, and what they are. */
  left: Map<string, string>;
}

/**
 * How long the header is that follows a file's first 8 bytes.
 * @param size of the whole file
 * @throws UserError if the file is shorter than that
 */
export function headerLength(start: Uint8Array, size: number, source: string): number {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = start.length >= 8 ? Number(view.getBigUint64(0, true)) : Number.POSITIVE_INFINITY;
  if (length > size - 8) throw new UserError(`${source} is not a safetensors file, or is truncated`);
  return length;
}

/**
 * Reads and checks the header.
 * @param size of the whole file
 * @throws UserError as {@link decodeSafetensors}
 */
export function decodeHeader(
  header: Uint8Array,
  size: number,
  source: string,
  options: DecodeOptions = {},
): SafetensorsHeader {
  const start = 8 + header.length;
  const { __metadata__: metadata = {}, ...rest } = parseHeader(header, source);
  const isStrings = isObject(metadata) && Object.values(metadata).every((value) => typeof value === 'string');
  if (!isStrings) throw new UserError(`${source}: its metadata must be strings by name`);
  const entries = Object.entries(rest).map(
    ([name, entry]) => [name, checkEntry(entry, name, source, options)] as const,
  );
  checkCoverage(entries, size - start, source);
  const tensors: SafetensorsHeader['tensors'] = new Map();
  const left = new Map<string, string>();
  for (const [name, { dtype, shape, data_offsets: offsets }] of entries) {
    const format = FLOATS.get(dtype);
    if (format === undefined) {
      if (!isCounter(name)) left.set(name, `of type ${dtype}`);
      continue;
    }
    tensors.set(name, { dims: shape, format, from: start + offsets[0], to: start + offsets[1] });
  }
  const { [CHECKSUM_KEY]: _, ...strings } = metadata as Record<string, string>;
  return { tensors, metadata: strings, left };
}

function parseHeader(bytes: Uint8Array, source: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new UserError(`${source} is not a safetensors file: its header is not JSON`);
  }
  if (!isObject(header)) throw new UserError(`${source} is not a safetensors file: its header is no object`);
  return header;
}

function checkEntry(value: unknown, name: string, source: string, options: DecodeOptions): HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = isObject(value) ? value : {};
  if (typeof dtype !== 'string' || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw new UserError(`${source}: tensor "${name}" has no proper dtype, shape and data_offsets`);
  }
  if (!options.convert && dtype !== 'F32') {
    throw new UserError(`${source}: tensor "${name}" is ${dtype}, not F32`);
  }
  const format = FLOATS.get(dtype);
  // Of types of later versions the size is not known; they are left out.
  const elementBytes = format ? FLOAT_BYTES[format] : OTHER_BYTES.get(dtype);
  const [from, to] = offsets as [number, number];
  if (elementBytes !== undefined && to - from !== sizeOf(shape) * elementBytes) {
    throw new UserError(`${source}: tensor "${name}" has offsets that do not fit its shape`);
  }
  return { dtype, shape, data_offsets: [from, to] };
}

/** @param size how many bytes of data there are */
function checkCoverage(entries: readonly (readonly [string, HeaderEntry])[], size: number, source: string) {
  // An empty tensor starts where the next one does, and comes before it.
  const ordered = [...entries].sort(
    ([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1],
  );
  let end = 0;
  for (const [name, { data_offsets }] of ordered) {
    const [from, to] = data_offsets;
    if (from !== end) throw new UserError(`${source}: tensor "${name}" starts at ${from} instead of ${end}`);
    if (to > size) throw new UserError(`${source} is truncated: tensor "${name}" is cut off`);
    end = to;
  }
  if (end !== size) throw new UserError(`${source} has ${size - end} bytes after its last tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
