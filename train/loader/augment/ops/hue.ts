import type { ImageOp, OpScratch } from './op.ts';

const f = Math.fround;

/**
 * Turns the hue: torchvision's `adjust_hue` on PIL images, which is Pillow's conversion to bytes of hue, saturation and
 * value and back (libImaging/Convert.c, in its mixture of single and double precision), also where nothing is turned.
 * @param turn share of a whole turn, from -0.5 to 0.5
 */
export function hue(turn: number, { height, width }: Pick<OpScratch, 'height' | 'width'>): ImageOp {
  const pixels = height * width;
  const shift = Math.trunc(turn * 255) & 255;
  return (image) => {
    for (let p = 0; p < pixels; p++) {
      const red = image[p]!;
      const green = image[pixels + p]!;
      const blue = image[2 * pixels + p]!;
      const value = Math.max(red, green, blue);
      const range = value - Math.min(red, green, blue);
      // Grey has no hue, and turning what it has of one changes nothing.
      if (range === 0) continue;
      const saturation = Math.trunc(f(range / value) * 255);
      const turned = (hueByte(red, green, blue, value, range) + shift) & 255;
      const sector = Math.floor((turned * 6) / 255);
      const rest = f((turned * 6) / 255 - sector);
      const share = f(saturation / 255);
      const low = saturation === 0 ? value : Math.round(value * (1 - share));
      const falling = saturation === 0 ? value : Math.round(value * (1 - f(share * rest)));
      const rising = saturation === 0 ? value : Math.round(value * (1 - share * (1 - rest)));
      const [r, g, b] = channels(sector % 6, value, low, falling, rising);
      image[p] = r;
      image[pixels + p] = g;
      image[2 * pixels + p] = b;
    }
  };
}

function hueByte(red: number, green: number, blue: number, value: number, range: number): number {
  const r = f((value - red) / range);
  const g = f((value - green) / range);
  const b = f((value - blue) / range);
  const sixths = red === value ? f(b - g) : green === value ? f(2 + r - b) : f(4 + g - r);
  return Math.trunc(f((sixths / 6 + 1) % 1) * 255);
}

function channels(
  sector: number,
  value: number,
  low: number,
  falling: number,
  rising: number,
): readonly [number, number, number] {
  switch (sector) {
    case 0:
      return [value, rising, low];
    case 1:
      return [falling, value, low];
    case 2:
      return [low, value, rising];
    case 3:
      return [low, falling, value];
    case 4:
      return [rising, low, value];
    default:
      return [value, low, falling];
  }
}
