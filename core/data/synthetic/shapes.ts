/** Whether a point lies in the shape; all shapes fit the unit circle, give or take a tenth. */
type Inside = (x: number, y: number) => boolean;

/**
 * The shapes by name. No shape is another one turned or mirrored, so turning or flipping an image never
 * changes its class.
 */
const SHAPES: Record<string, Inside> = {
  disc: (x, y) => x * x + y * y < 0.9,
  ellipse: (x, y) => x * x + (y / 0.5) ** 2 < 1,
  ring: (x, y) => x * x + y * y < 1 && x * x + y * y > 0.36,
  semicircle: (x, y) => x * x + (y + 0.45) ** 2 < 1 && y > -0.45,
  crescent: (x, y) => x * x + y * y < 1 && (x - 0.5) ** 2 + y * y > 0.55,
  sector: (x, y) => x * x + y * y < 1 && Math.abs(Math.atan2(y, x)) > Math.PI / 4,
  flower: (x, y) => Math.hypot(x, y) < 0.68 + 0.32 * Math.cos(5 * Math.atan2(y, x)),
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.78,
  frame: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.82 && Math.max(Math.abs(x), Math.abs(y)) > 0.45,
  bar: (x, y) => Math.abs(x) < 1 && Math.abs(y) < 0.3,
  triangle: (x, y) => y < 0.5 && Math.abs(x) * Math.sqrt(3) < y + 1,
  rhombus: (x, y) => Math.abs(x) + Math.abs(y) / 0.55 < 1,
  star: (x, y) => {
    // Inside a five-pointed star: inside at least four of the five half-planes of the pentagram's lines.
    let inside = 0;
    for (let k = 0; k < 5; k++) {
      const angle = (k * 2 * Math.PI) / 5;
      if (x * Math.sin(angle) + y * Math.cos(angle) < 0.31) inside += 1;
    }
    return inside >= 4 && x * x + y * y < 1.05;
  },
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.28 && Math.max(Math.abs(x), Math.abs(y)) < 0.95,
  ell: (x, y) => Math.abs(x) < 0.75 && Math.abs(y) < 0.75 && (x < -0.2 || y > 0.2),
  tee: (x, y) => Math.abs(x) < 0.85 && Math.abs(y) < 0.8 && (y < -0.25 || Math.abs(x) < 0.25),
  horseshoe: (x, y) => {
    const outer = y < 0 ? Math.hypot(x, y) < 0.85 : Math.abs(x) < 0.85 && y < 0.85;
    const hole = y < 0 ? Math.hypot(x, y) < 0.4 : Math.abs(x) < 0.4;
    return outer && !hole;
  },
  hourglass: (x, y) => Math.abs(x) < Math.abs(y) * 0.9 + 0.06 && Math.abs(y) < 0.85,
  chevron: (x, y) => Math.abs(x) < 0.95 && y - Math.abs(x) * 0.8 > -0.8 && y - Math.abs(x) * 0.8 < -0.05,
  heart: (x, y) => {
    const u = x * 1.2;
    const v = -y * 1.2 + 0.1;
    return (u * u + v * v - 1) ** 3 - u * u * v ** 3 < 0;
  },
};

export const SHAPE_NAMES = Object.keys(SHAPES);

/** Side of a mask in cells, and the half-width of the square it covers in shape units. */
const CELLS = 48;
const EXTENT = 1.2;
const SAMPLES = 4;

/**
 * How much of the surroundings of a point the shape covers: a mask sampled once per shape, whose cells are
 * about as large as half a pixel of a drawn shape, so that interpolating in it gives smooth edges.
 */
export class ShapeMask {
  readonly #cells = new Float32Array(CELLS * CELLS);

  /** @param shape an index into {@link SHAPE_NAMES} */
  constructor(shape: number) {
    const inside = SHAPES[SHAPE_NAMES[shape]!]!;
    for (let row = 0; row < CELLS; row++) {
      for (let column = 0; column < CELLS; column++) {
        let hits = 0;
        for (let s = 0; s < SAMPLES * SAMPLES; s++) {
          const x = column + ((s % SAMPLES) + 0.5) / SAMPLES;
          const y = row + (Math.floor(s / SAMPLES) + 0.5) / SAMPLES;
          if (inside((x / CELLS) * 2 * EXTENT - EXTENT, (y / CELLS) * 2 * EXTENT - EXTENT)) hits += 1;
        }
        this.#cells[row * CELLS + column] = hits / (SAMPLES * SAMPLES);
      }
    }
  }

  /** Coverage in [0, 1] at a point in shape units; 0 outside the mask. */
  at(x: number, y: number): number {
    const column = ((x + EXTENT) / (2 * EXTENT)) * CELLS - 0.5;
    const row = ((y + EXTENT) / (2 * EXTENT)) * CELLS - 0.5;
    if (!(column >= 0 && row >= 0 && column < CELLS - 1 && row < CELLS - 1)) return 0;
    const left = Math.floor(column);
    const top = Math.floor(row);
    const fx = column - left;
    const fy = row - top;
    const at = top * CELLS + left;
    const upper = this.#cells[at]! * (1 - fx) + this.#cells[at + 1]! * fx;
    const lower = this.#cells[at + CELLS]! * (1 - fx) + this.#cells[at + CELLS + 1]! * fx;
    return upper * (1 - fy) + lower * fy;
  }
}
