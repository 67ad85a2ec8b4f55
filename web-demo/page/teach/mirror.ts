import type { Example } from './examples.ts';

/** The pictures, and each once more mirrored left to right. */
export function withMirrored(examples: readonly Example[], width: number): Example[] {
  return examples.flatMap((example) => {
    const pixels = example.pixels.slice();
    for (let row = 0; row < pixels.length; row += width) pixels.subarray(row, row + width).reverse();
    return [example, { ...example, pixels }];
  });
}
