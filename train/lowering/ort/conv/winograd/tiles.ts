import { sizeOf } from '../../../../../core/onnx/graph.ts';
import type { StepBuilder, StepTensor } from '../../step-builder.ts';
import { readPixels, writePixels } from '../pixel-rows.ts';
import { INPUT_TILE, OUTPUT_TILE } from './transforms.ts';

/** How many tiles cover an image's outputs. */
export function tilesOf(height: number, width: number): [rows: number, columns: number] {
  return [Math.ceil(height / OUTPUT_TILE), Math.ceil(width / OUTPUT_TILE)];
}

/**
 * Cuts a blocked [N, C, H, W] into overlapping tiles of inputs, zero where they reach over the edge.
 * @param before rows and columns of zero padding before the image
 * @param output rows and columns of the convolution's output
 * @returns [36, N * tiles, C]
 */
export function cutInputTiles(
  b: StepBuilder,
  x: StepTensor,
  before: readonly [number, number],
  output: readonly [number, number],
): StepTensor {
  return cut(b, x, INPUT_TILE, before, output);
}

/** Cuts a blocked [N, K, H, W] into tiles side by side, zero over the edge: [16, N * tiles, K]. */
export function cutOutputTiles(b: StepBuilder, y: StepTensor): StepTensor {
  return cut(b, y, OUTPUT_TILE, [0, 0], [y.dims[2]!, y.dims[3]!]);
}

function cut(
  b: StepBuilder,
  x: StepTensor,
  size: number,
  before: readonly [number, number],
  output: readonly [number, number],
): StepTensor {
  const [n, c] = x.dims as [number, number];
  const [tileRows, tileColumns] = tilesOf(...output);
  const tiles = tileRows * tileColumns;
  const key = `tiles${size}:${[...before, ...output].join()}`;
  const pixels = readPixels(b, x, key, size * size * n * tiles, (index) => {
    const tile = index % tiles;
    const image = Math.floor(index / tiles) % n;
    const inTile = Math.floor(index / (tiles * n));
    const row = Math.floor(tile / tileColumns) * OUTPUT_TILE + Math.floor(inTile / size) - before[0];
    const column = (tile % tileColumns) * OUTPUT_TILE + (inTile % size) - before[1];
    return [image, row, column];
  });
  return b.reshape(pixels, [size * size, n * tiles, c]);
}

/** Puts tiles [16, N * tiles, K] side by side: the inverse of {@link cutOutputTiles}, blocked. */
export function joinOutputTiles(b: StepBuilder, tiles: StepTensor, dims: readonly number[]): StepTensor {
  const [n, k, height, width] = dims as [number, number, number, number];
  const [tileRows, tileColumns] = tilesOf(height, width);
  const rows = b.reshape(tiles, [sizeOf(tiles.dims) / k, k]);
  return writePixels(b, rows, 'tiles', dims, ([image, row, column]) => {
    const inTile = (row % OUTPUT_TILE) * OUTPUT_TILE + (column % OUTPUT_TILE);
    const tile = Math.floor(row / OUTPUT_TILE) * tileColumns + Math.floor(column / OUTPUT_TILE);
    return (inTile * n + image) * tileRows * tileColumns + tile;
  });
}
