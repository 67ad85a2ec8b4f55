import { appendFile, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs/minimal.js';
import type { EpochLog } from '../loop.ts';

const PREFIX = 'events.out.tfevents.';

/**
 * A run's scalars in a file that TensorBoard reads. A process makes a file of its own in the run directory; a
 * resumed run's file says from which epoch on it replaces the ones before.
 */
export class EventFile {
  readonly #directory: string;
  readonly #now: () => number;
  #path: string | undefined;

  /** @param now the time in seconds since 1970; given in tests */
  constructor(directory: string, now: () => number = () => Date.now() / 1000) {
    this.#directory = directory;
    this.#now = now;
  }

  /**
   * Adds an epoch.
   * @param earlier the epochs logged before it; written first where the run has no event file yet
   */
  async add(entry: EpochLog, earlier: readonly EpochLog[]): Promise<void> {
    const events: Uint8Array[] = [];
    const now = this.#now();
    let path = this.#path;
    if (path === undefined) {
      const names = await readdir(this.#directory);
      const missing = names.some((name) => name.startsWith(PREFIX)) ? [] : earlier;
      // TensorBoard reads the files by name, so the time leads, ten digits until the year 2286.
      path = join(this.#directory, `${PREFIX}${Math.floor(now)}.${hostname()}.${process.pid}`);
      events.push(versionEvent(now), sessionStartEvent(now, (missing[0] ?? entry).epoch + 1));
      for (const epoch of missing) events.push(epochEvent(now, epoch));
    }
    events.push(epochEvent(now, entry));
    await appendFile(path, Buffer.concat(events.map(encodeRecord)));
    // Only now, so that a failed first write is begun anew.
    this.#path = path;
  }
}

// Tags, field number * 8 + wire type, of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
const EVENT = { wallTime: 9, step: 16, fileVersion: 26, summary: 42, sessionLog: 58 };
const SESSION_LOG = { status: 8 };
const SESSION_START = 1;
const SUMMARY = { value: 10 };
const VALUE = { tag: 10, simpleValue: 21 };

function event(seconds: number): protobuf.Writer {
  return protobuf.Writer.create().uint32(EVENT.wallTime).double(seconds);
}

/** The first event of every file. Since version 2, a session's start says which earlier events are void. */
function versionEvent(seconds: number): Uint8Array {
  return event(seconds).uint32(EVENT.fileVersion).string('brain.Event:2').finish();
}

/** Says that a run begins, or begins again, at `step`: readers forget what they have of that step and later. */
function sessionStartEvent(seconds: number, step: number): Uint8Array {
  const writer = event(seconds).uint32(EVENT.step).int64(step).uint32(EVENT.sessionLog).fork();
  return writer.uint32(SESSION_LOG.status).int32(SESSION_START).ldelim().finish();
}

/** The scalars of an epoch, which counts from 1, as on the console and in the plots. */
function epochEvent(seconds: number, entry: EpochLog): Uint8Array {
  const scalars = {
    'loss/train': entry.trainLoss,
    'loss/test': entry.testLoss,
    'top1/train': entry.trainTop1,
    'top1/test': entry.testTop1,
    'top5/test': entry.testTop5,
    learning_rate: entry.learningRate,
    images_per_second: entry.imagesPerSecond,
  };
  const writer = event(seconds)
    .uint32(EVENT.step)
    .int64(entry.epoch + 1)
    .uint32(EVENT.summary)
    .fork();
  for (const [tag, value] of Object.entries(scalars)) {
    const scalar = writer.uint32(SUMMARY.value).fork().uint32(VALUE.tag).string(tag);
    scalar.uint32(VALUE.simpleValue).float(value).ldelim();
  }
  return writer.ldelim().finish();
}

const LENGTH_BYTES = 8;
const CRC_BYTES = 4;

/** Frames bytes as one TFRecord: length, its CRC, the bytes, their CRC; little-endian. */
export function encodeRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(LENGTH_BYTES + CRC_BYTES + data.length + CRC_BYTES);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(LENGTH_BYTES, maskedCrc32c(record.subarray(0, LENGTH_BYTES)), true);
  record.set(data, LENGTH_BYTES + CRC_BYTES);
  view.setUint32(record.length - CRC_BYTES, maskedCrc32c(data), true);
  return record;
}

/** Castagnoli's polynomial, bits reversed; zlib's crc32 has another. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** The CRC-32C (RFC 3720) of some bytes, unsigned. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** TFRecord stores CRCs rotated and shifted, as the CRC of data that itself holds CRCs is weak. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
