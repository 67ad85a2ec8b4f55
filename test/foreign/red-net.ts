import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type DataType, type Dim, floatTensor, int, sizeOf } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';

export interface RedNetOptions {
  /** How much each colour's mean counts; default 2. */
  scale?: number;
  /** [3, columns]; left out: `scale` on the diagonal. */
  weight?: number[][];
  batch?: Dim;
  opset?: number;
  /** The output's element type and what one image has of it; default float32 and a score each column. */
  output?: { dtype?: DataType; dims: Dim[] };
  /** Versions of other operator sets. */
  domains?: Record<string, number>;
}

/**
 * A classifier of another program: `scale` times the mean of each colour of 8 x 8 pixels, and what `tail` makes of
 * these. With `(v / 255 - 0.5) / 0.5` a red picture has the logits 2, -2, -2, and red the probability 0.9647.
 * @param tail appends nodes to the logits [batch, columns] and names the output
 */
export function redNet(
  tail: (b: GraphBuilder, logits: string) => string = (_, logits) => logits,
  { scale = 2, weight, batch = 'N', opset = 13, output, domains }: RedNetOptions = {},
): Uint8Array {
  const rows = weight ?? [0, 1, 2].map((row) => [0, 1, 2].map((column) => (row === column ? scale : 0)));
  const b = new GraphBuilder('red');
  const data = b.input('data', 'float32', [batch, 3, 8, 8]);
  const means = b.node('GlobalAveragePool', [data]);
  const flat = b.node('Flatten', [means], { axis: int(1) });
  const w = b.initializer('W', floatTensor([3, rows[0]!.length], rows.flat()));
  const name = tail(b, b.node('MatMul', [flat, w], {}, { name: 'values' }));
  b.output(name, output?.dtype ?? 'float32', output?.dims ?? [batch, rows[0]!.length]);
  return encodeModel(b.graph, {}, { opset, ...(domains ? { domains } : {}) });
}

/** How images are prepared for {@link redNet}, with its labels. */
export const RED = { mean: 0.5, std: 0.5, labels: ['red', 'green', 'blue'] };

/** Normalised images of one colour each, [n, 3, 8, 8]; colours from -1 to 1. */
export function colorImages(...colors: (readonly [number, number, number])[]): Float32Array {
  const pixels = 64;
  return Float32Array.from(
    { length: sizeOf([colors.length, 3, pixels]) },
    (_, i) => colors[Math.floor(i / (3 * pixels))]![Math.floor(i / pixels) % 3]!,
  );
}

/** Writes models with their JSON files into a folder that is removed after the tests. */
export function modelFolder(): {
  folder: string;
  add: (name: string, bytes: Uint8Array, json?: object) => string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'red-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    add: (name, bytes, json = RED) => {
      const path = join(folder, `${name}.onnx`);
      writeFileSync(path, bytes);
      writeFileSync(join(folder, `${name}.json`), JSON.stringify(json));
      return path;
    },
  };
}
