// core/metrics/softmax.ts
function softmax(logits) {
  const out = new Float32Array(logits.length),
    max = maximum(logits);
  if (max === Number.POSITIVE_INFINITY || max === Number.NEGATIVE_INFINITY) {
    let ties = 0;
    for (let i = 0; i < logits.length; i++) logits[i] === max && ties++;
    for (let i = 0; i < logits.length; i++) out[i] = logits[i] === max ? 1 / ties : 0;
    return out;
  }
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - max);
  for (let i = 0; i < logits.length; i++) out[i] = Math.exp(logits[i] - max) / sum;
  return out;
}
function maximum(values) {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) return value;
    value > max && (max = value);
  }
  return max;
}

// core/metrics/top-k.ts
function topK(scores, k) {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`k must be a positive integer, not ${k}`);
  const best = [];
  for (let index = 0; index < scores.length; index++) {
    let place = best.length;
    for (; place > 0 && compareDescending(scores[index], scores[best[place - 1]]) < 0; ) place--;
    place !== k && (best.splice(place, 0, index), best.length > k && best.pop());
  }
  return best;
}
function compareDescending(a, b) {
  return a > b ? -1 : a < b ? 1 : Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

// core/metrics/scores.ts
var SCORE_KINDS = ['logits', 'log-probabilities', 'independent'];
function probabilitiesOf(scores, kind = 'logits') {
  return kind === 'logits'
    ? softmax(scores)
    : Float32Array.from(scores, (score) => Math.min(1, Math.exp(score)));
}
function bestPredictions(scores, { labels, scores: kind }, k) {
  const probabilities = probabilitiesOf(scores, kind);
  if (!probabilities.some(Number.isNaN))
    return topK(scores, k).map((index) => ({
      index,
      label: labels[index],
      probability: probabilities[index],
    }));
}

export { bestPredictions, probabilitiesOf, SCORE_KINDS };
