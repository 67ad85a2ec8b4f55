import { UserError } from '../../errors.ts';

/*
 * ZIP as in PKWARE's APPNOTE 6.3 (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT): the part of it
 * that torch.save writes. Entries are stored, never compressed, so a small file cannot unpack to a large one.
 * Check sums are not compared: PyTorch may be told not to compute them, and then writes others. Ours: an entry is a
 * view of the file's bytes, where yauzl would stream a copy of each of the gigabytes that a checkpoint may have.
 */

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR64_SIGNATURE = 0x07064b50;
const LOCATOR64_BYTES = 20;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const MAX_COMMENT_BYTES = 0xffff;
/** A 32-bit field that says "see the zip64 extra field". */
const IN_ZIP64 = 0xffffffff;
const ZIP64_EXTRA = 0x0001;

/** True if the bytes begin as a zip archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

/** An entry's content, a view of the archive's bytes; undefined if it is compressed. */
export type ZipContent = Uint8Array | undefined;

/**
 * The entries of an archive by name.
 * @param source what to call the archive in an error
 * @throws UserError if the archive is truncated, damaged or encrypted
 */
export function readStoredZip(bytes: Uint8Array, source: string): Map<string, ZipContent> {
  const entries = new Map<string, ZipContent>();
  const { count, offset } = findDirectory(bytes, source);
  const reader = new ByteReader(bytes, source, offset);
  // The count is not trusted: every entry read takes bytes, of which there are only so many.
  for (let i = 0; i < count; i++) {
    const { name, size, at, stored } = readEntry(reader, source);
    if (entries.has(name)) throw new UserError(`${source} is damaged: it has "${name}" twice`);
    entries.set(name, stored ? readLocal(bytes, at, size, source) : undefined);
  }
  return entries;
}

function findDirectory(bytes: Uint8Array, source: string): { count: number; offset: number } {
  const end = findEnd(bytes, source);
  const reader = new ByteReader(bytes, source, end + 10);
  let count = reader.u16();
  reader.take(4);
  let offset = reader.u32();
  // PyTorch writes the zip64 records always, other writers for archives over 4 GB or 65,535 entries.
  if (end >= LOCATOR64_BYTES) {
    const locator = new ByteReader(bytes, source, end - LOCATOR64_BYTES);
    if (locator.u32() === LOCATOR64_SIGNATURE) {
      locator.take(4);
      const end64 = new ByteReader(bytes, source, locator.u64());
      if (end64.u32() !== END64_SIGNATURE) throw damaged(source);
      end64.take(28);
      count = end64.u64();
      end64.take(8);
      offset = end64.u64();
    }
  }
  return { count, offset };
}

/** The end record, searched from the back: a comment of unknown length follows it. */
function findEnd(bytes: Uint8Array, source: string): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = bytes.length - END_BYTES;
  for (let at = last; at >= 0 && at >= last - MAX_COMMENT_BYTES; at--) {
    if (view.getUint32(at, true) === END_SIGNATURE && view.getUint16(at + 20, true) === last - at) return at;
  }
  throw new UserError(
    `${source} is truncated: the directory at its end is missing; copy or download it again`,
  );
}

interface DirectoryEntry {
  name: string;
  /** Bytes in the archive. */
  size: number;
  /** Where its local header is. */
  at: number;
  /** False if it is compressed. */
  stored: boolean;
}

function readEntry(reader: ByteReader, source: string): DirectoryEntry {
  if (reader.u32() !== ENTRY_SIGNATURE) throw damaged(source);
  reader.take(4);
  const flags = reader.u16();
  const method = reader.u16();
  reader.take(8);
  const stored = reader.u32();
  const unpacked = reader.u32();
  const nameLength = reader.u16();
  const extraLength = reader.u16();
  const commentLength = reader.u16();
  reader.take(8);
  const local = reader.u32();
  const name = new TextDecoder().decode(reader.take(nameLength));
  const extra = reader.take(extraLength);
  reader.take(commentLength);
  if ((flags & 1) !== 0) throw new UserError(`${source} is an encrypted archive, not a PyTorch checkpoint`);
  const wide = readZip64Extra(extra, [unpacked, stored, local], source);
  if (method === 0 && wide.unpacked !== wide.stored) throw damaged(source);
  return { name, size: wide.stored, at: wide.local, stored: method === 0 };
}

/** Takes from the zip64 extra field, in this order, those of the three fields that did not fit in 32 bits. */
function readZip64Extra(
  extra: Uint8Array,
  fields: readonly [unpacked: number, stored: number, local: number],
  source: string,
): { unpacked: number; stored: number; local: number } {
  let [unpacked, stored, local] = fields;
  const reader = new ByteReader(extra, source);
  while (fields.includes(IN_ZIP64) && reader.offset + 4 <= extra.length) {
    const id = reader.u16();
    const content = new ByteReader(reader.take(reader.u16()), source);
    if (id !== ZIP64_EXTRA) continue;
    if (unpacked === IN_ZIP64) unpacked = content.u64();
    if (stored === IN_ZIP64) stored = content.u64();
    if (local === IN_ZIP64) local = content.u64();
    break;
  }
  return { unpacked, stored, local };
}

/** The content behind an entry's local header, whose name and padding may differ from the directory's. */
function readLocal(bytes: Uint8Array, at: number, size: number, source: string): Uint8Array {
  const reader = new ByteReader(bytes, source, at);
  if (reader.u32() !== LOCAL_SIGNATURE) throw damaged(source);
  reader.take(22);
  const nameLength = reader.u16();
  const extraLength = reader.u16();
  reader.take(nameLength + extraLength);
  return reader.take(size);
}

function damaged(source: string): UserError {
  return new UserError(`${source} is a damaged zip archive; copy or download it again`);
}

/** Reads little-endian numbers from bytes one after the other; running out of them is a {@link UserError}. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #source: string;
  /** Where the next read starts. */
  offset: number;

  /** @param source what to call the bytes in an error, e.g. their path */
  constructor(bytes: Uint8Array, source: string, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#source = source;
    this.offset = offset;
  }

  /** The next `count` bytes, not copied. */
  take(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#bytes.subarray(start, start + count);
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** A 64-bit count or offset; one beyond 2^53 cannot be in any file and comes back inexact. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  #advance(count: number): number {
    const start = this.offset;
    if (!(count >= 0 && start >= 0 && count <= this.#bytes.length - start)) throw this.#truncated();
    this.offset = start + count;
    return start;
  }

  #truncated(): UserError {
    return new UserError(`${this.#source} is truncated or damaged; copy or download it again`);
  }
}
