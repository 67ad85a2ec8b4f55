import type { ImageDataset } from '../core/data/dataset.ts';
import { WHITENED_CONV } from '../core/models/airbench.ts';
import type { Graph } from '../core/onnx/graph.ts';

/** Images whose patches are looked at: 4.8 million of them in CIFAR-100. */
const IMAGES = 5000;
/** Added to the components' variances, so that the last ones, which are noise, are not blown up to no end. */
const EPSILON = 5e-4;

/**
 * Fills the first conv of a net that whitens its images, in place; nothing else has one. Its filters are the principal
 * components of the training images' patches, each divided by its standard deviation, then the negatives of all; its bias is
 * zero. From then on it may be frozen (Jordan 2024, arXiv:2404.00498, section 3.2; Page 2019, "How to train your ResNet").
 */
export function whiten(model: Graph, { train, normalization, height, width }: ImageDataset): void {
  const weight = model.initializers.get(`${WHITENED_CONV}.weight`);
  if (!weight) return;
  const [filters, channels, kernel] = weight.dims as [number, number, number];
  const size = channels * kernel * kernel;
  const covariance = new Float64Array(size * size);
  const patch = new Float64Array(size);
  const { mean, std } = normalization;
  const images = Math.min(IMAGES, train.count);
  for (let image = 0; image < images; image++) {
    for (let y = 0; y + kernel <= height; y++) {
      for (let x = 0; x + kernel <= width; x++) {
        for (let i = 0; i < size; i++) {
          const c = Math.floor(i / kernel ** 2);
          const row = y + (Math.floor(i / kernel) % kernel);
          const byte = train.images[((image * channels + c) * height + row) * width + x + (i % kernel)]!;
          patch[i] = (byte / 255 - mean[c]!) / std[c]!;
        }
        for (let i = 0; i < size; i++)
          for (let j = 0; j <= i; j++) covariance[i * size + j]! += patch[i]! * patch[j]!;
      }
    }
  }
  const patches = images * (height - kernel + 1) * (width - kernel + 1);
  const matrix = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => covariance[Math.max(i, j) * size + Math.min(i, j)]! / patches),
  );
  const filled = weight.data as Float32Array;
  principalComponents(matrix).forEach(({ variance, vector }, at) => {
    const scale = 1 / Math.sqrt(variance + EPSILON);
    vector.forEach((value, i) => {
      if (at < filters) filled[at * size + i] = value * scale;
      if (at + size < filters) filled[(at + size) * size + i] = -value * scale;
    });
  });
  (model.initializers.get(`${WHITENED_CONV}.bias`)!.data as Float32Array).fill(0);
}

interface Component {
  variance: number;
  /** Of unit length. */
  vector: number[];
}

/**
 * Eigenvectors of a symmetric matrix, by falling eigenvalue: Jacobi's rotations, each of which makes one pair of
 * elements off the diagonal zero (Golub & Van Loan, Matrix Computations, section 8.5).
 */
function principalComponents(matrix: number[][]): Component[] {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((_, j) => Number(i === j)));
  const rotate = (one: number[], other: number[], i: number, j: number, c: number, s: number) => {
    [one[i], other[j]] = [c * one[i]! - s * other[j]!, s * one[i]! + c * other[j]!];
  };
  // Convergence is quadratic: six sweeps are plenty for a dozen rows.
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p]![q] === 0) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < n; k++) rotate(a[k]!, a[k]!, p, q, c, s);
        for (let k = 0; k < n; k++) rotate(a[p]!, a[q]!, k, k, c, s);
        for (let k = 0; k < n; k++) rotate(vectors[k]!, vectors[k]!, p, q, c, s);
      }
    }
  }
  return a
    .map((_, i) => ({ variance: a[i]![i]!, vector: vectors.map((row) => row[i]!) }))
    .sort((one, other) => other.variance - one.variance);
}
