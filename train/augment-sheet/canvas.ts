import sharp from 'sharp';

/** A picture to draw images into, white at first. */
export class Canvas {
  /** Interleaved RGB. */
  readonly pixels: Uint8Array;

  constructor(
    readonly height: number,
    readonly width: number,
  ) {
    this.pixels = new Uint8Array(3 * height * width).fill(255);
  }

  /** Draws an image of channel planes with its upper left corner at (top, left). */
  draw(
    image: Uint8Array | Uint8ClampedArray,
    { height, width }: { height: number; width: number },
    top: number,
    left: number,
  ): void {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < 3; c++) {
          const at = ((top + y) * this.width + left + x) * 3 + c;
          this.pixels[at] = image[(c * height + y) * width + x]!;
        }
      }
    }
  }

  /** As a PNG file, every pixel enlarged to `scale` by `scale`. */
  png(scale: number): Promise<Uint8Array> {
    const raw = { width: this.width, height: this.height, channels: 3 } as const;
    return sharp(this.pixels, { raw })
      .resize(this.width * scale, this.height * scale, { kernel: 'nearest' })
      .png()
      .toBuffer();
  }
}
