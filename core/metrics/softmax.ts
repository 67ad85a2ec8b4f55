/**
 * log(sum(exp(x))) in nats, without overflow: the maximum is taken out before exponentiation.
 * @param logits any length; empty gives -Infinity, a NaN gives NaN
 */
export function logSumExp(logits: ArrayLike<number>): number {
  const max = maximum(logits);
  // Covers NaN, and infinities, where `x - max` would be NaN.
  if (!Number.isFinite(max)) return max;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - max);
  return max + Math.log(sum);
}

/**
 * Probabilities exp(x_i) / sum(exp(x)), computed as exp(x_i - max) so that large logits do not overflow.
 * @param logits scores of one image, [classes]; a NaN among them makes every probability NaN
 * @returns [classes], summing to 1
 */
export function softmax(logits: ArrayLike<number>): Float32Array {
  const out = new Float32Array(logits.length);
  const max = maximum(logits);
  if (max === Number.POSITIVE_INFINITY || max === Number.NEGATIVE_INFINITY) {
    // The limit: infinite scores share the probability equally (all of them, when all are -Infinity).
    let ties = 0;
    for (let i = 0; i < logits.length; i++) if (logits[i] === max) ties++;
    for (let i = 0; i < logits.length; i++) out[i] = logits[i] === max ? 1 / ties : 0;
    return out;
  }
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - max);
  for (let i = 0; i < logits.length; i++) out[i] = Math.exp(logits[i]! - max) / sum;
  return out;
}

/** The largest value; NaN if any is NaN (a comparison loop would skip it). */
function maximum(values: ArrayLike<number>): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) return value;
    if (value > max) max = value;
  }
  return max;
}
