/** Rows and columns of outputs that one tile gives. */
export const OUTPUT_TILE = 4;
/** Rows and columns of the filter. */
export const FILTER = 3;
/** Rows and columns of inputs that one tile reads. */
export const INPUT_TILE = OUTPUT_TILE + FILTER - 1;

/**
 * Where the polynomials are evaluated, besides infinity. The usual 0, 1, -1, 2, -2 make the rounding error of
 * float32 twice as large: it grows with how far apart the powers of the points are (Barabasz et al. 2020,
 * arXiv:1803.10986).
 */
const POINTS = [0, 5 / 8, -5 / 8, 3 / 2, -3 / 2];

type Matrix = readonly (readonly number[])[];

/**
 * The matrices of Winograd's F(4, 3) by Toom and Cook's construction (Lavin and Gray 2016, arXiv:1509.09308):
 * four outputs of a correlation with three taps are `output ((filter g) * (input d))`, the product elementwise.
 */
function toomCook(): { input: Matrix; filter: Matrix; output: Matrix } {
  const powers = (point: number, count: number) => Array.from({ length: count }, (_, k) => point ** k);
  const unit = (count: number) => Array.from({ length: count }, (_, k) => (k === count - 1 ? 1 : 0));
  const others = (index: number) => POINTS.filter((_, k) => k !== index);
  const input = [...POINTS.map((_, i) => [...monic(others(i)), 0]), monic(POINTS)];
  const filter = POINTS.map((point, i) => {
    const norm = others(i).reduce((product, other) => product * (point - other), 1);
    return powers(point, FILTER).map((value) => value / norm);
  });
  const columns = [...POINTS.map((point) => powers(point, OUTPUT_TILE)), unit(OUTPUT_TILE)];
  return { input, filter: [...filter, unit(FILTER)], output: transpose(columns) };
}

/** Coefficients of the polynomial with these roots and leading coefficient 1, the constant first. */
function monic(roots: readonly number[]): number[] {
  let polynomial = [1];
  for (const root of roots) {
    const raised = [0, ...polynomial];
    polynomial = raised.map((value, k) => value - root * (polynomial[k] ?? 0));
  }
  return polynomial;
}

function transpose(matrix: Matrix): number[][] {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));
}

/** The Kronecker square, which does in two dimensions what the matrix does in one. */
function square(matrix: Matrix): number[][] {
  return matrix.flatMap((a) => matrix.map((b) => a.flatMap((x) => b.map((y) => x * y))));
}

const { input, filter, output } = toomCook();

/** [36, 36]: from the pixels of a tile of inputs. */
export const INPUT_TRANSFORM: Matrix = square(input);
/** [36, 9]: from the taps of a filter. */
export const FILTER_TRANSFORM: Matrix = square(filter);
/** [36, 9]: from the taps of a filter turned by 180 degrees. */
export const TURNED_FILTER_TRANSFORM: Matrix = FILTER_TRANSFORM.map((row) => row.toReversed());
/** [16, 36]: to the pixels of a tile of outputs. */
export const OUTPUT_TRANSFORM: Matrix = square(output);
/** [36, 16]: from the gradient of a tile of outputs. */
export const OUTPUT_GRADIENT_TRANSFORM: Matrix = transpose(OUTPUT_TRANSFORM);
