import type { Region } from '../../../core/preprocess/region.ts';

type Size = { width: number; height: number };

/** Smaller than this a crop shows nothing any more. */
const LEAST = 4;

/** Moves a region, as far as the picture goes. */
export function moveRegion(region: Region, dx: number, dy: number, size: Size): Region {
  return {
    ...region,
    left: clamp(region.left + dx, 0, size.width - region.width),
    top: clamp(region.top + dy, 0, size.height - region.height),
  };
}

/**
 * Resizes by dragging a corner; the one opposite stays, and so does the aspect ratio.
 * @param corner `nw`, `ne`, `sw` or `se`
 * @param aspect width / height
 */
export function resizeFromCorner(
  region: Region,
  corner: string,
  dx: number,
  dy: number,
  size: Size,
  aspect: number,
): Region {
  const [west, north] = [corner.includes('w'), corner.includes('n')];
  const growX = west ? -dx : dx;
  const growY = (north ? -dy : dy) * aspect;
  // The larger of the two motions decides, so that the corner follows the pointer outwards and inwards.
  const grow = Math.abs(growX) > Math.abs(growY) ? growX : growY;
  const roomX = west ? region.left + region.width : size.width - region.left;
  const roomY = north ? region.top + region.height : size.height - region.top;
  const { width, height } = fit(region.width + grow, roomX, roomY, aspect);
  return {
    left: west ? region.left + region.width - width : region.left,
    top: north ? region.top + region.height - height : region.top,
    width,
    height,
  };
}

/** Resizes around the middle, which gives way at the picture's edges. */
export function resizeAround(region: Region, grow: number, size: Size, aspect: number): Region {
  const { width, height } = fit(region.width + grow, size.width, size.height, aspect);
  const left = region.left + Math.round((region.width - width) / 2);
  const top = region.top + Math.round((region.height - height) / 2);
  return moveRegion({ left, top, width, height }, 0, 0, size);
}

/** The wanted width and its height, within some room. */
function fit(wanted: number, roomX: number, roomY: number, aspect: number): Size {
  const most = Math.min(roomX, Math.floor(roomY * aspect));
  const width = clamp(Math.round(wanted), Math.min(LEAST, most), most);
  return { width, height: clamp(Math.round(width / aspect), 1, roomY) };
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
