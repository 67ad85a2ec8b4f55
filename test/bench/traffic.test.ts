import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardTraffic } from '../../bench/traffic.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, ints } from '../../core/onnx/graph.ts';

test('traffic counts what each operator reads and writes, weights once a batch', () => {
  const b = new GraphBuilder('net');
  b.input('input', 'float32', ['batch', 3, 8, 8]);
  b.initializer('w', floatTensor([4, 3, 3, 3], new Float32Array(108)));
  const y = b.node('Conv', ['input', 'w'], { pads: ints([1, 1, 1, 1]) });
  b.output(b.node('Relu', [y], {}, { name: 'logits' }), 'float32', ['batch', 4, 8, 8]);
  const image = 3 * 64;
  const features = 4 * 64;
  // Conv reads the image and the weights and writes the features; Relu reads and writes them.
  assert.equal(forwardTraffic(b.graph, 2), 4 * (image + 108 / 2 + 3 * features));
});
