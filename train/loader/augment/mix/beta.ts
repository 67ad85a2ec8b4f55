import type { Random } from '../../../../core/random.ts';

/**
 * A draw from the symmetric beta distribution Beta(alpha, alpha), as G1 / (G1 + G2) of two gamma variates (e.g.
 * Devroye, "Non-Uniform Random Variate Generation", 1986, IX.4). The ratio is taken of logarithms, for with a
 * small alpha both variates can be too small for a double.
 * @param alpha above 0
 */
export function symmetricBeta(alpha: number, random: Random): number {
  const first = logGamma(alpha, random);
  const second = logGamma(alpha, random);
  return 1 / (1 + Math.exp(second - first));
}

/** The logarithm of a draw from Gamma(alpha, 1). */
function logGamma(alpha: number, random: Random): number {
  if (alpha >= 1) return Math.log(marsagliaTsang(alpha, random));
  // Gamma(a) = Gamma(a + 1) * U^(1/a) (Marsaglia and Tsang, section 6); 1 - uniform() is never 0.
  return Math.log(marsagliaTsang(alpha + 1, random)) + Math.log(1 - random.uniform()) / alpha;
}

/**
 * A draw from Gamma(alpha, 1) (Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS
 * 26(3), 2000).
 * @param alpha from 1 on
 */
function marsagliaTsang(alpha: number, random: Random): number {
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
