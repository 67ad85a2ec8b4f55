import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32c, EventFile, encodeRecord, maskedCrc32c } from '../../train/runs/tensorboard.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { writeFixtureEvents } from '../fixtures/tensorboard/write-events.ts';
import { decodeFields, decodeRecords } from './decode-events.ts';
import { epochLogs } from './epoch-logs.ts';

/** Written by read_events.py: what Python's tensorboard read from these very files. */
const EXPECTED = JSON.parse(
  await readFile(new URL('../fixtures/tensorboard/expected.json', import.meta.url), 'utf8'),
) as {
  events: { wallTime: number; step: number; what: string }[];
  scalars: Record<string, [step: number, value: number][]>;
  files: string[];
};

test('CRC-32C of published vectors', () => {
  const rising = Uint8Array.from({ length: 32 }, (_, index) => index);
  // RFC 3720, B.4, and the check value of the CRC catalogue.
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(rising), 0x46dd794e);
  assert.equal(crc32c(rising.toReversed()), 0x113fdb5c);
  assert.equal(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array()), 0);
  assert.equal(maskedCrc32c(new Uint8Array()), 0xa282ead8);
});

test('a record has the framing of TensorFlow', () => {
  const record = Buffer.from(encodeRecord(Uint8Array.of(1, 2, 3)));
  assert.deepEqual(decodeRecords(record), [Buffer.of(1, 2, 3)]);
  record[13]! ^= 1;
  assert.throws(() => decodeRecords(record));
});

test('the event files are those that TensorBoard itself has read', async () => {
  const directory = await temporaryFolder();
  await writeFixtureEvents(directory);
  const names = (await readdir(directory)).sort();
  assert.match(names[0]!, /^events\.out\.tfevents\.1700000000\./);
  const files = await Promise.all(names.map((name) => readFile(join(directory, name))));
  assert.deepEqual(
    files.map((file) => file.toString('base64')),
    EXPECTED.files,
  );
});

test('what TensorBoard read is every epoch once, the resumed ones anew', () => {
  const lr = EXPECTED.scalars.learning_rate!;
  assert.deepEqual(
    lr.map(([step, value]) => [step, Math.fround(0.1 / step) === value]),
    [1, 2, 3, 4].map((step) => [step, true]),
  );
  // The first session had logged 0.99 for step 3.
  assert.equal(EXPECTED.scalars['top1/test']![2]![1], Math.fround(0.1 * 3));
  assert.deepEqual(Object.keys(EXPECTED.scalars).sort(), [
    'images_per_second',
    'learning_rate',
    'loss/test',
    'loss/train',
    'top1/test',
    'top1/train',
    'top5/test',
  ]);
});

test('of few classes there is no top-5 scalar', async () => {
  const directory = await temporaryFolder();
  await new EventFile(directory, () => 1, undefined, false).add(epochLogs(1)[0]!, []);
  const [name] = await readdir(directory);
  const file = String(await readFile(join(directory, name!)));
  assert.ok(file.includes('top1/test') && !file.includes('top5'));
});

test('the fields of the events, decoded', () => {
  const [wallTime, step] = [1, 2];
  const decoded = EXPECTED.files
    .flatMap((file) => decodeRecords(Buffer.from(file, 'base64')))
    .map((record) => new Map(decodeFields(record)));
  assert.deepEqual(
    decoded.map((event) => [event.get(wallTime), event.get(step) ?? 0]),
    EXPECTED.events.map((event) => [event.wallTime, event.step]),
  );
  assert.equal(String(decoded[0]!.get(3)), 'brain.Event:2');
  const value = new Map(decodeFields(decodeFields(decoded[2]!.get(5) as Buffer)[0]![1] as Buffer));
  assert.deepEqual([String(value.get(1)), value.get(2)], ['loss/train', 4]);
});
