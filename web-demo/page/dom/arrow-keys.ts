/**
 * Which way an arrow key points.
 * @returns pixels to the right and down, `step` in one of them; undefined for any other key
 */
export function arrowMove(key: string, step: number): [right: number, down: number] | undefined {
  const moves: Record<string, [number, number]> = {
    ArrowLeft: [-step, 0],
    ArrowRight: [step, 0],
    ArrowUp: [0, -step],
    ArrowDown: [0, step],
  };
  return moves[key];
}
