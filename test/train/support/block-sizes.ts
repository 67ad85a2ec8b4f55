import { detectBlockSize } from '../../../train/lowering/ort/block-size.ts';

/** The channel blocks to test a step graph with: this machine's, and 0, which keeps to plain layouts. */
export const BLOCK_SIZES: readonly number[] = [...new Set([await detectBlockSize(), 0])];
