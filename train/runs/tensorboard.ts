import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs/minimal.js';
import type { EpochLog, LoopObserver, StepReport } from '../loop.ts';

const PREFIX = 'events.out.tfevents.';

/**
 * A run's scalars in a file that TensorBoard reads. A process makes a file of its own in the run directory; a
 * resumed run's file says from which epoch on it replaces the ones before.
 */
export class EventFile {
  readonly #directory: string;
  readonly #now: () => number;
  #path: string | undefined;

  readonly #hparams: Readonly<Record<string, unknown>> | undefined;
  readonly #top5: boolean;

  /**
   * @param now the time in seconds since 1970; given in tests
   * @param hparams the run's settings, for TensorBoard's HPARAMS; of these numbers, texts and switches
   * @param top5 whether the classes are enough for one
   */
  constructor(
    directory: string,
    now: () => number = secondsNow,
    hparams?: Readonly<Record<string, unknown>>,
    top5 = true,
  ) {
    this.#directory = directory;
    this.#now = now;
    this.#hparams = hparams;
    this.#top5 = top5;
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
      path = join(this.#directory, fileName(now));
      events.push(versionEvent(now), sessionStartEvent(now, (missing[0] ?? entry).epoch + 1));
      if (this.#hparams) events.push(hparamsEvent(now, this.#hparams));
      for (const epoch of missing) events.push(epochEvent(now, epoch, this.#top5));
    }
    events.push(epochEvent(now, entry, this.#top5));
    await appendFile(path, Buffer.concat(events.map(encodeRecord)));
    // Only now, so that a failed first write is begun anew.
    this.#path = path;
  }

  /**
   * Adds a picture to the last epoch that was added.
   * @param step that epoch, counted from 1
   */
  async addImage(step: number, tag: string, image: PngImage): Promise<void> {
    if (this.#path === undefined) return;
    await appendFile(this.#path, encodeRecord(imageEvent(this.#now(), step, tag, image)));
  }
}

/** A PNG in RGB, with its size in pixels. */
export interface PngImage {
  height: number;
  width: number;
  png: Uint8Array;
}

/** Steps that are kept in memory until they are written. */
const STEPS_A_WRITE = 100;

/**
 * Loss and learning rate of each step, in `steps/` of a run's directory: a run of its own to TensorBoard, which counts
 * steps and not epochs.
 */
export class StepEvents implements LoopObserver {
  #path: string | undefined;
  #events: Uint8Array[] = [];

  /** @param now the time in seconds since 1970; given in tests */
  constructor(
    private readonly directory: string,
    private readonly stepsPerEpoch: number,
    private readonly now: () => number = secondsNow,
  ) {}

  async onStep({ progress, loss, learningRate }: StepReport): Promise<void> {
    const now = this.now();
    const step = progress.epoch * this.stepsPerEpoch + progress.batch;
    if (this.#path === undefined && this.#events.length === 0)
      this.#events.push(versionEvent(now), sessionStartEvent(now, step));
    this.#events.push(scalarsEvent(now, step, { 'loss/step': loss, 'learning_rate/step': learningRate }));
    if (this.#events.length >= STEPS_A_WRITE) await this.#write();
  }

  onPause(): Promise<void> {
    return this.#write();
  }

  onEpochEnd(): Promise<void> {
    return this.#write();
  }

  async #write(): Promise<void> {
    const folder = join(this.directory, 'steps');
    await mkdir(folder, { recursive: true });
    const path = this.#path ?? join(folder, fileName(this.now()));
    await appendFile(path, Buffer.concat(this.#events.map(encodeRecord)));
    this.#path = path;
    this.#events = [];
  }
}

function secondsNow(): number {
  return Date.now() / 1000;
}

/** TensorBoard reads files by name, so the time leads, ten digits until the year 2286. */
function fileName(seconds: number): string {
  return `${PREFIX}${Math.floor(seconds)}.${hostname()}.${process.pid}`;
}

// Tags, field number * 8 + wire type, of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
const EVENT = { wallTime: 9, step: 16, fileVersion: 26, summary: 42, sessionLog: 58 };
const SESSION_LOG = { status: 8 };
const SESSION_START = 1;
const SUMMARY = { value: 10 };
const VALUE = { tag: 10, simpleValue: 21, image: 34, tensor: 66, metadata: 74 };
const IMAGE = { height: 8, width: 16, colorspace: 24, encoded: 34 };
const RGB = 3;
// And of tensorboard/plugins/hparams/plugin_data.proto, google/protobuf/struct.proto.
const METADATA = { pluginData: 10, pluginName: 10, content: 18 };
const HPARAMS = { sessionStart: 26, hparams: 10, startTime: 41 };
const MAP = { key: 10, value: 18 };
const ANY = { number: 17, text: 26, switch: 32 };

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

/** The settings of a run, as TensorBoard's HPARAMS takes them; metrics are the scalars. */
function hparamsEvent(seconds: number, settings: Readonly<Record<string, unknown>>): Uint8Array {
  const start = protobuf.Writer.create();
  for (const [name, value] of Object.entries(settings)) {
    if (!['number', 'string', 'boolean'].includes(typeof value)) continue;
    const entry = start.uint32(HPARAMS.hparams).fork().uint32(MAP.key).string(name).uint32(MAP.value).fork();
    if (typeof value === 'number') entry.uint32(ANY.number).double(value);
    else if (typeof value === 'boolean') entry.uint32(ANY.switch).bool(value);
    else entry.uint32(ANY.text).string(value as string);
    entry.ldelim().ldelim();
  }
  start.uint32(HPARAMS.startTime).double(seconds);
  const data = protobuf.Writer.create().uint32(HPARAMS.sessionStart).bytes(start.finish()).finish();
  const writer = event(seconds).uint32(EVENT.summary).fork().uint32(SUMMARY.value).fork();
  writer.uint32(VALUE.tag).string('_hparams_/session_start_info');
  // An empty float tensor of shape [1]: a value without one is passed over.
  writer.uint32(VALUE.tensor).bytes(Uint8Array.of(8, 1, 18, 4, 18, 2, 8, 1, 42, 4, 0, 0, 0, 0));
  writer.uint32(VALUE.metadata).fork().uint32(METADATA.pluginData).fork();
  writer.uint32(METADATA.pluginName).string('hparams').uint32(METADATA.content).bytes(data);
  return writer.ldelim().ldelim().ldelim().ldelim().finish();
}

/** The scalars of an epoch, which counts from 1, as on the console and in the plots. */
function epochEvent(seconds: number, entry: EpochLog, top5: boolean): Uint8Array {
  return scalarsEvent(seconds, entry.epoch + 1, {
    'loss/train': entry.trainLoss,
    'loss/test': entry.testLoss,
    'top1/train': entry.trainTop1,
    'top1/test': entry.testTop1,
    ...(top5 ? { 'top5/test': entry.testTop5 } : {}),
    learning_rate: entry.learningRate,
    images_per_second: entry.imagesPerSecond,
  });
}

function scalarsEvent(seconds: number, step: number, scalars: Readonly<Record<string, number>>): Uint8Array {
  const writer = event(seconds).uint32(EVENT.step).int64(step).uint32(EVENT.summary).fork();
  for (const [tag, value] of Object.entries(scalars)) {
    // Nothing was evaluated.
    if (Number.isNaN(value)) continue;
    const scalar = writer.uint32(SUMMARY.value).fork().uint32(VALUE.tag).string(tag);
    scalar.uint32(VALUE.simpleValue).float(value).ldelim();
  }
  return writer.ldelim().finish();
}

function imageEvent(
  seconds: number,
  step: number,
  tag: string,
  { height, width, png }: PngImage,
): Uint8Array {
  const writer = event(seconds).uint32(EVENT.step).int64(step).uint32(EVENT.summary).fork();
  writer.uint32(SUMMARY.value).fork().uint32(VALUE.tag).string(tag).uint32(VALUE.image).fork();
  writer.uint32(IMAGE.height).int32(height).uint32(IMAGE.width).int32(width);
  writer.uint32(IMAGE.colorspace).int32(RGB).uint32(IMAGE.encoded).bytes(png);
  return writer.ldelim().ldelim().ldelim().finish();
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
