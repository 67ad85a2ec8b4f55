import type { StepBuilder, StepTensor } from '../../step-builder.ts';
import { type ConvGeometry, isDense } from '../geometry.ts';
import { canReadPixels } from '../pixel-rows.ts';
import { cutInputTiles, cutOutputTiles, joinOutputTiles, tilesOf } from './tiles.ts';
import {
  FILTER,
  FILTER_TRANSFORM,
  INPUT_TRANSFORM,
  OUTPUT_GRADIENT_TRANSFORM,
  OUTPUT_TRANSFORM,
  TURNED_FILTER_TRANSFORM,
} from './transforms.ts';

/**
 * 3x3 convolutions with a quarter of the multiplications, by Winograd's minimal filtering F(4x4, 3x3) (Lavin
 * and Gray 2016, arXiv:1509.09308), as ordinary ONNX operators: tiles of the image and the filter are brought
 * to a space of 36 points where the convolution is 36 matrix products. The gradients are the transposed
 * algorithm: that of the input another convolution, that of the weight 36 products of what both sides have
 * there already.
 */

/**
 * Bringing tiles there and back costs memory traffic: so many times what its multiplications would. Measured:
 * it sorts the layers of resnet20, resnet14t, resnet18 and resnet50 into those that gain and those that lose.
 */
const TRANSFORM_WEIGHT = 3;

/** Whether a convolution and its gradients are cheaper this way than directly. */
export function suitsWinograd(b: StepBuilder, g: ConvGeometry): boolean {
  const fits =
    isDense(g) &&
    canReadPixels(b, g) &&
    g.kernel.every((size) => size === FILTER) &&
    g.stride.every((stride) => stride === 1) &&
    g.pads.every((pad) => pad < FILTER);
  if (!fits) return false;
  const [rows, columns] = tilesOf(...g.output);
  const tiles = rows * columns;
  const products = 36 * tiles * g.inChannels * g.outChannels;
  const transforms = 36 * tiles * (36 * g.inChannels + 16 * g.outChannels);
  // Once a batch, but written and read in full by each of the two.
  const filters = (36 * 9 * g.inChannels * g.outChannels) / g.batch;
  const direct = 9 * g.output[0] * g.output[1] * g.inChannels * g.outChannels;
  return products + TRANSFORM_WEIGHT * (transforms + filters) < direct;
}

/** The tiles of a convolution's input, transformed: [36, P, C]. Both the output and dW are made of them. */
export function winogradInput(b: StepBuilder, g: ConvGeometry, x: StepTensor): StepTensor {
  const [top, left] = g.pads;
  return transform(b, INPUT_TRANSFORM, cutInputTiles(b, b.toBlocked(x), [top, left], g.output));
}

/** The convolution of transformed tiles with a weight [K, C, 3, 3], without bias: [N, K, H, W], blocked. */
export function winogradConvolve(
  b: StepBuilder,
  g: ConvGeometry,
  tiles: StepTensor,
  weight: StepTensor,
): StepTensor {
  const filter = transformFilter(b, FILTER_TRANSFORM, weight);
  return toOutput(b, b.matmul(tiles, filter, false, true), [g.batch, g.outChannels, ...g.output]);
}

/** dX: the convolution of dY with the filter turned by 180 degrees, its channel axes swapped. */
export function winogradInputGradient(
  b: StepBuilder,
  g: ConvGeometry,
  weight: StepTensor,
  dy: StepTensor,
): StepTensor {
  const [top, left] = g.pads;
  const before = [FILTER - 1 - top, FILTER - 1 - left] as const;
  const tiles = transform(b, INPUT_TRANSFORM, cutInputTiles(b, b.toBlocked(dy), before, g.input));
  const filter = transformFilter(b, TURNED_FILTER_TRANSFORM, weight);
  return toOutput(b, b.matmul(tiles, filter), [g.batch, g.inChannels, ...g.input]);
}

/** dW [K, C, 3, 3], from the tiles that {@link winogradInput} gave. */
export function winogradWeightGradient(
  b: StepBuilder,
  g: ConvGeometry,
  tiles: StepTensor,
  dy: StepTensor,
): StepTensor {
  const gradient = transform(b, OUTPUT_GRADIENT_TRANSFORM, cutOutputTiles(b, b.toBlocked(dy)));
  const product = b.matmul(gradient, b.reshape(tiles, b.ofThisPass(tiles.dims)), true, false); // [36, K, C]
  const flat = b.reshape(product, [36, g.outChannels * g.inChannels]);
  const taps = b.matmul(flat, matrix(b, FILTER_TRANSFORM), true, false);
  return b.reshape(taps, [g.outChannels, g.inChannels, FILTER, FILTER]);
}

function toOutput(b: StepBuilder, product: StepTensor, dims: readonly number[]): StepTensor {
  return joinOutputTiles(b, transform(b, OUTPUT_TRANSFORM, product), dims);
}

/** Applies a transform along the first axis of [points, P, C]. */
function transform(b: StepBuilder, by: readonly (readonly number[])[], tiles: StepTensor): StepTensor {
  const [points, rows, channels] = tiles.dims.slice(-3) as [number, number, number];
  const product = b.matmul(matrix(b, by), b.reshape(tiles, b.ofThisPass([points, rows * channels])));
  return b.reshape(product, b.ofThisPass([by.length, rows, channels]));
}

/** A weight [K, C, 3, 3], transformed: [36, K, C]. */
function transformFilter(b: StepBuilder, by: readonly (readonly number[])[], weight: StepTensor): StepTensor {
  const [k, c] = weight.dims as [number, number];
  const taps = b.reshape(weight, [k * c, FILTER * FILTER]);
  return b.reshape(b.matmul(matrix(b, by), taps, false, true), [by.length, k, c]);
}

function matrix(b: StepBuilder, values: readonly (readonly number[])[]): StepTensor {
  return b.constant(values.flat(), [values.length, values[0]!.length]);
}
