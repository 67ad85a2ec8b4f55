import { Refusal } from '../../core/errors.ts';

/**
 * Numbers from JSON to a tensor: flat in row-major order, or nested exactly as the shape says.
 * @param name the input's, for messages
 * @throws Refusal 400 if there are too many or too few, or one is no finite number
 */
export function tensorFromJson(
  data: readonly unknown[],
  shape: readonly number[],
  name: string,
): Float32Array<ArrayBuffer> {
  const size = shape.reduce((product, n) => product * n, 1);
  if (!Array.isArray(data[0])) {
    if (data.length !== size) throw wrongCount(name, data.length, size);
    const out = new Float32Array(size);
    copyNumbers(data, out, 0, name);
    return out;
  }
  const out = new Float32Array(size);
  let at = 0;
  const fill = (values: readonly unknown[], depth: number): void => {
    if (values.length !== shape[depth]) throw wrongCount(name, values.length, shape[depth] ?? 0, depth);
    if (depth === shape.length - 1) {
      copyNumbers(values, out, at, name);
      at += values.length;
      return;
    }
    for (const inner of values) {
      if (!Array.isArray(inner))
        throw new Refusal(400, `input "${name}": data is neither flat nor nested by its shape`);
      fill(inner, depth + 1);
    }
  };
  fill(data, 0);
  return out;
}

function copyNumbers(values: readonly unknown[], out: Float32Array, at: number, name: string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === 'number') out[at + i] = value;
    // What was stored, not what was sent: 1e300 is finite to JSON but not as a float32.
    if (typeof value !== 'number' || !Number.isFinite(out[at + i])) {
      throw new Refusal(400, `input "${name}": ${describe(value)} is not a finite float32`);
    }
  }
}

/** A list may be nested too deeply to be written out. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value).slice(0, 40);
}

function wrongCount(name: string, actual: number, wanted: number, depth?: number): Refusal {
  const where = depth === undefined ? '' : ` at depth ${depth}`;
  return new Refusal(400, `input "${name}" has ${actual} values${where}, its shape says ${wanted}`);
}
