import { applyTable } from './lookup.ts';
import type { ImageOp, OpScratch } from './op.ts';

/** Stretches each channel to the full range (Pillow's `ImageOps.autocontrast` without cutoff). */
export function autoContrast(scratch: OpScratch): ImageOp {
  return eachChannel(scratch, (histogram, table) => {
    let low = 0;
    let high = 255;
    while (histogram[low] === 0) low++;
    while (histogram[high] === 0) high--;
    if (high <= low) return false;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    for (let value = 0; value < 256; value++) {
      table[value] = Math.min(Math.max(Math.trunc(value * scale + offset), 0), 255);
    }
    return true;
  });
}

/** Evens out each channel's histogram (Pillow's `ImageOps.equalize`). */
export function equalize(scratch: OpScratch): ImageOp {
  return eachChannel(scratch, (histogram, table) => {
    let highest = 255;
    while (histogram[highest] === 0) highest--;
    const step = Math.floor((scratch.height * scratch.width - histogram[highest]!) / 255);
    if (step === 0) return false;
    let sum = Math.floor(step / 2);
    for (let value = 0; value <= highest; value++) {
      // A step of 1 can count past 255.
      table[value] = Math.min(Math.floor(sum / step), 255);
      sum += histogram[value]!;
    }
    return true;
  });
}

/**
 * An op that makes each channel's table from its histogram.
 * @param makeTable fills the table, or answers false to leave the channel as it is
 */
function eachChannel(
  { height, width }: OpScratch,
  makeTable: (histogram: Int32Array, table: Uint8Array) => boolean,
): ImageOp {
  const pixels = height * width;
  const histogram = new Int32Array(256);
  const table = new Uint8Array(256);
  return (image) => {
    for (let start = 0; start < 3 * pixels; start += pixels) {
      histogram.fill(0);
      for (let i = start; i < start + pixels; i++) histogram[image[i]!]!++;
      if (makeTable(histogram, table)) applyTable(image, start, start + pixels, table);
    }
  };
}
