import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import onnxProto from 'onnx-proto';
import { externalDataChunks, planExternalData } from '../../core/onnx/external-data.ts';
import { floatTensor } from '../../core/onnx/graph.ts';
import {
  decodeModel,
  encodeModel,
  encodeModelChunks,
  encodeMoreMetadata,
} from '../../core/onnx/model-file.ts';
import { irVersionOf, MAX_OPSET, MIN_OPSET } from '../../core/onnx/opset.ts';
import { trainedGraph } from './trained-run.ts';

const graph = trainedGraph(1);
// Longer than a chunk, and with letters of several bytes.
const metadata = { labels: JSON.stringify(Array.from({ length: 9000 }, (_, i) => `Straße ${i}`)), a: 'b' };

describe('a model written piece by piece', () => {
  const { length, chunks } = encodeModelChunks(graph, metadata);
  const pieces = [...chunks];

  it('has the bytes of a model written at once', () => {
    const whole = encodeModel(graph, metadata);
    assert.ok(Buffer.concat(pieces).equals(whole));
    assert.equal(length, whole.length);
    // The iterable can be gone through again.
    assert.ok(Buffer.concat([...chunks]).equals(whole));
  });

  it('has the large tensors by reference', () => {
    const buffers = new Set(pieces.map(({ buffer }) => buffer));
    const large = [...graph.initializers.values()].filter(({ data }) => data.byteLength > 65_536);
    assert.ok(large.length > 5);
    for (const { data } of large) assert.ok(buffers.has(data.buffer));
  });

  it('takes more metadata after its last byte, as if written at once', () => {
    const { a, ...rest } = metadata;
    const both = Buffer.concat([encodeModel(graph, rest), encodeMoreMetadata({ a })]);
    assert.ok(both.equals(encodeModel(graph, metadata)));
  });
});

describe('external data', () => {
  const external = planExternalData(graph, 'model.onnx.data');
  const data = Buffer.concat([...externalDataChunks(graph, external)]);
  const model = onnxProto.onnx.ModelProto.decode(encodeModel(graph, {}, { external }));

  it('holds each tensor where the model says, from a page on', () => {
    assert.ok(external.places.size > 20);
    for (const proto of model.graph!.initializer!) {
      const tensor = graph.initializers.get(proto.name!)!;
      const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
      const place = Object.fromEntries(proto.externalData!.map(({ key, value }) => [key!, value!]));
      if (bytes.length < 1024) {
        assert.deepEqual(place, {});
        assert.ok(Buffer.from(proto.rawData!).equals(bytes));
        continue;
      }
      const [offset, length] = [Number(place.offset), Number(place.length)];
      assert.equal(place.location, 'model.onnx.data');
      assert.equal(offset % 4096, 0);
      assert.ok(data.subarray(offset, offset + length).equals(bytes), proto.name!);
      assert.equal(proto.rawData!.length, 0);
    }
  });

  it('is as long as its last tensor needs', () => {
    const ends = [...external.places.values()].map(({ offset, length }) => offset + length);
    assert.equal(data.length, Math.max(...ends));
  });

  it('of a graph of small tensors is empty', () => {
    const small = { ...graph, initializers: new Map([['a', floatTensor([2], [1, 2])]]) };
    assert.equal(planExternalData(small, 'x').places.size, 0);
  });
});

describe('the operator set', () => {
  it('is declared with the IR version of its ONNX release', () => {
    // https://onnx.ai/onnx/repo-docs/Versioning.html
    const released = { 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11 };
    for (const [opset, irVersion] of Object.entries(released)) {
      assert.equal(irVersionOf(Number(opset)), irVersion);
      const bytes = encodeModel(graph, {}, { opset: Number(opset) });
      assert.equal(decodeModel(bytes).opset, Number(opset));
      assert.equal(Number(onnxProto.onnx.ModelProto.decode(bytes).irVersion), irVersion);
    }
    assert.deepEqual(Object.keys(released).map(Number).at(0), MIN_OPSET);
    assert.deepEqual(Object.keys(released).map(Number).at(-1), MAX_OPSET);
  });
});
