import assert from 'node:assert/strict';
import { maskedCrc32c } from '../../train/runs/tensorboard.ts';

/** A protobuf message's fields, each with its number; what they mean is left to the caller. */
export type Field = [number: number, value: number | Buffer];

/** The payloads of a file of TFRecords; fails on a wrong CRC or a rest. */
export function decodeRecords(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    assert.equal(file.readUInt32LE(at + 8), maskedCrc32c(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(data.length, length);
    assert.equal(file.readUInt32LE(at + 12 + length), maskedCrc32c(data));
    records.push(data);
    at += 16 + length;
  }
  return records;
}

/** Splits a protobuf message into fields. */
export function decodeFields(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.push([number, varint()]);
    else if (tag % 8 === 1) {
      fields.push([number, message.readDoubleLE(at)]);
      at += 8;
    } else if (tag % 8 === 5) {
      fields.push([number, message.readFloatLE(at)]);
      at += 4;
    } else {
      assert.equal(tag % 8, 2);
      const length = varint();
      fields.push([number, message.subarray(at, at + length)]);
      at += length;
    }
  }
  return fields;
}
