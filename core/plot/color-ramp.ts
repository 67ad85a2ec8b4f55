/** Red, green and blue, each 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * The colour at a position of a ramp: linear in sRGB's bytes between colours that stand at equal distances.
 * @param stops two colours or more, from the ramp's start to its end
 * @param position 0 is the first stop, 1 the last; beyond them is as at the nearer end
 */
export function rampColor(stops: readonly Rgb[], position: number): [number, number, number] {
  const at = Math.max(0, Math.min(1, position)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(at));
  const [low, high] = [stops[index]!, stops[index + 1]!];
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(low[channel] + (high[channel] - low[channel]) * (at - index));
  return [mix(0), mix(1), mix(2)];
}
