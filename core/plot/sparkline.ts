const BLOCKS = '▁▂▃▄▅▆▇█';

/**
 * A curve of one line of text; a value that is not finite is a space.
 * @param options.min,options.max the values of the lowest and the highest block; curves to be compared share them
 * @param options.width at most so many characters; longer curves are averaged down
 */
export function sparkline(
  values: readonly number[],
  options: { min: number; max: number; width?: number },
): string {
  const { min, max, width = 40 } = options;
  return shrink(values, width)
    .map((value) => {
      if (!Number.isFinite(value)) return ' ';
      const fraction = max > min ? (value - min) / (max - min) : 0.5;
      const index = Math.round(fraction * (BLOCKS.length - 1));
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.max(0, index))]!;
    })
    .join('');
}

function shrink(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * values.length) / width);
    const to = Math.floor(((column + 1) * values.length) / width);
    const known = values.slice(from, to).filter(Number.isFinite);
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  });
}
