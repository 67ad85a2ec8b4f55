import assert from 'node:assert/strict';
import type { TensorFile } from '../../core/weights/safetensors.ts';

type Tensors = TensorFile['tensors'];

/** How two checkpoints differ in the tensors of a kind. */
export interface Difference {
  kind: string;
  tensors: number;
  values: number;
  /** Values whose bits differ. */
  different: number;
  /** The largest difference of two values. */
  maxDifference: number;
  /** That, relative to the largest value of the kind. */
  relative: number;
}

const KINDS: [kind: string, names: RegExp][] = [
  ['optimiser state', /^optimizer\./],
  ['averaged weights (EMA)', /^ema\./],
  ['running statistics', /\.running_(mean|var)$/],
  ['linear layer', /^fc\./],
  ['batch norm weights and biases', /(bn\d|downsample\.1)\.(weight|bias)$/],
  ['convolution weights', /\.weight$/],
];

/** Compares all tensors of two checkpoints, which must have the same names and shapes. */
export function compareCheckpoints(actual: Tensors, expected: Tensors): Difference[] {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
  const names = new Map<string, string[]>(KINDS.map(([kind]) => [kind, []]));
  for (const name of expected.keys()) {
    const kind = KINDS.find(([, pattern]) => pattern.test(name))?.[0];
    assert.ok(kind, name);
    names.get(kind)!.push(name);
  }
  return [...names]
    .filter(([, list]) => list.length > 0)
    .map(([kind, list]) => compareKind(kind, list, actual, expected));
}

function compareKind(kind: string, names: readonly string[], actual: Tensors, expected: Tensors): Difference {
  let [values, different, maxDifference, largest] = [0, 0, 0, 0];
  for (const name of names) {
    const [a, b] = [actual.get(name)!, expected.get(name)!];
    assert.deepEqual(a.dims, b.dims, name);
    values += b.data.length;
    for (let i = 0; i < b.data.length; i++) {
      assert.ok(Number.isFinite(a.data[i]), name);
      if (!Object.is(a.data[i], b.data[i])) different++;
      maxDifference = Math.max(maxDifference, Math.abs(a.data[i]! - b.data[i]!));
      largest = Math.max(largest, Math.abs(b.data[i]!));
    }
  }
  const relative = maxDifference === 0 ? 0 : maxDifference / largest;
  return { kind, tensors: names.length, values, different, maxDifference, relative };
}
