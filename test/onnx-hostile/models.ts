import { fileURLToPath } from 'node:url';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, ints } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { readModelBytes } from '../../core/onnx/read-model-bytes.ts';

/** With the tensors it keeps in another file. */
const file = (path: string): Promise<Uint8Array> => {
  const full = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  return readModelBytes(full, path);
};

/** A classifier of two classes in a few hundred bytes, so that most damage hits its structure. */
export function tinyModel(): Uint8Array {
  const b = new GraphBuilder('tiny');
  const x = b.input('input', 'float32', ['batch', 3, 4, 4]);
  const weight = b.initializer('conv1.weight', floatTensor([2, 3, 1, 1], [1, 2, 3, 4, 5, 6]));
  const y = b.node('Relu', [b.node('Conv', [x, weight], { kernel_shape: ints([1, 1]) })]);
  b.node('Flatten', [b.node('GlobalAveragePool', [y])], {}, { name: 'logits' });
  b.output('logits', 'float32', ['batch', 2]);
  // A copy: of a Buffer, `slice` would be none.
  return new Uint8Array(encodeModel(b.graph, { labels: '["a","b"]' }));
}

/** The models that are damaged, how often, and how far into the file. */
export const MODELS: readonly { name: string; bytes: Uint8Array; times: number; reach?: number }[] = [
  { name: 'tiny', bytes: tinyModel(), times: 3000 },
  { name: 'legacy', bytes: await file('test/fixtures/foreign/legacy.onnx'), times: 1000 },
  { name: 'dynamo', bytes: await file('test/fixtures/foreign/dynamo.onnx'), times: 1000 },
  // Its graph, in front of its weights.
  { name: 'embedded', bytes: await file('models/resnet14t.onnx'), times: 300, reach: 8000 },
];
