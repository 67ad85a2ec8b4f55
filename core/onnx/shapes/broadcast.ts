import type { Dim } from '../graph.ts';
import { formatDims, type RuleContext } from './rule.ts';

/**
 * The shape two shapes broadcast to, as in numpy: aligned at the end, ones stretched. A symbol beside a size
 * over one takes that size, for nothing else could be run; two different symbols give an unknown size.
 * @throws UserError if they do not broadcast
 */
export function broadcast(context: RuleContext, a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis): Dim => {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    if (typeof x === 'number' && typeof y === 'number') {
      throw context.error(`${formatDims(a)} and ${formatDims(b)} do not broadcast`);
    }
    if (typeof x === 'number') return x;
    if (typeof y === 'number') return y;
    return context.unknown(axis);
  });
}
