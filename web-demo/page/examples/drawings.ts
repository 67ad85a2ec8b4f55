import { create } from '../dom/elements.ts';
import type { Thumb } from '../views/thumbs.ts';

type Context = CanvasRenderingContext2D;

const SIDE = 192;

/** A colour running from one to another, top to bottom. */
function vertical(context: Context, from: string, to: string, top = 0, bottom = SIDE): CanvasGradient {
  const gradient = context.createLinearGradient(0, top, 0, bottom);
  gradient.addColorStop(0, from);
  gradient.addColorStop(1, to);
  return gradient;
}

/** A ball lit from the upper left. */
function ball(context: Context, x: number, y: number, r: number, light: string, dark: string): void {
  const gradient = context.createRadialGradient(x - r * 0.35, y - r * 0.4, r * 0.1, x, y, r);
  gradient.addColorStop(0, light);
  gradient.addColorStop(1, dark);
  context.fillStyle = gradient;
  context.beginPath();
  context.arc(x, y, r, 0, 2 * Math.PI);
  context.fill();
}

function ellipse(context: Context, x: number, y: number, rx: number, ry: number, turn = 0): void {
  context.beginPath();
  context.ellipse(x, y, rx, ry, turn, 0, 2 * Math.PI);
  context.fill();
}

function polygon(context: Context, ...points: [number, number][]): void {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.closePath();
  context.fill();
}

function background(context: Context, from: string, to: string): void {
  context.fillStyle = vertical(context, from, to);
  context.fillRect(0, 0, SIDE, SIDE);
}

function orange(context: Context): void {
  background(context, '#ffffff', '#efece6');
  context.fillStyle = 'rgb(80 60 30 / 25%)';
  ellipse(context, 100, 168, 66, 12);
  ball(context, 96, 100, 72, '#ffc56b', '#e2700c');
  context.fillStyle = '#3f7d2c';
  ellipse(context, 112, 32, 22, 9, -0.5);
  context.fillStyle = '#6b4a1f';
  ellipse(context, 95, 33, 5, 4);
}

function sunflower(context: Context): void {
  background(context, '#8fc3ee', '#cfe6cf');
  context.fillStyle = '#3f8a35';
  context.fillRect(90, 110, 11, 82);
  ellipse(context, 122, 160, 30, 12, -0.4);
  ellipse(context, 68, 168, 30, 12, 0.5);
  for (let ring = 0; ring < 2; ring++) {
    context.fillStyle = ring === 0 ? '#eaa50c' : '#ffd02e';
    for (let i = 0; i < 16; i++) {
      const angle = ((i + ring / 2) / 16) * 2 * Math.PI;
      const reach = ring === 0 ? 58 : 50;
      ellipse(context, 96 + Math.cos(angle) * reach, 84 + Math.sin(angle) * reach, 25, 10, angle);
    }
  }
  ball(context, 96, 84, 36, '#7a4a1c', '#33200d');
}

function rocket(context: Context): void {
  background(context, '#5b8fd0', '#d6e4f2');
  context.fillStyle = 'rgb(255 255 255 / 85%)';
  for (const [x, y, r] of [
    [60, 180, 26],
    [96, 186, 32],
    [134, 180, 26],
  ] as const) {
    ellipse(context, x, y, r, r * 0.8);
  }
  context.fillStyle = vertical(context, '#fff3b0', '#f26a1b', 136, 176);
  polygon(context, [84, 136], [108, 136], [96, 180]);
  context.fillStyle = '#c23a2e';
  polygon(context, [80, 100], [58, 138], [80, 132]);
  polygon(context, [112, 100], [134, 138], [112, 132]);
  const hull = context.createLinearGradient(78, 0, 114, 0);
  hull.addColorStop(0, '#ffffff');
  hull.addColorStop(1, '#aab3c2');
  context.fillStyle = hull;
  context.fillRect(79, 56, 34, 80);
  context.fillStyle = '#c23a2e';
  polygon(context, [79, 56], [96, 16], [113, 56]);
  context.fillStyle = '#27313f';
  context.fillRect(79, 84, 34, 8);
}

function mushroom(context: Context): void {
  background(context, '#6f8f5a', '#31481f');
  context.fillStyle = 'rgb(0 0 0 / 30%)';
  ellipse(context, 98, 172, 54, 12);
  context.fillStyle = vertical(context, '#fbf4e4', '#cdbf9f', 90, 176);
  polygon(context, [80, 90], [112, 90], [120, 172], [72, 172]);
  context.fillStyle = vertical(context, '#e5462f', '#99190f', 24, 108);
  context.beginPath();
  context.ellipse(96, 100, 72, 74, 0, Math.PI, 2 * Math.PI);
  context.ellipse(96, 100, 72, 14, 0, 0, Math.PI);
  context.fill();
  context.fillStyle = '#fff8ec';
  for (const [x, y, r] of [
    [70, 60, 11],
    [104, 46, 9],
    [130, 74, 10],
    [96, 82, 12],
    [48, 86, 8],
  ] as const) {
    ellipse(context, x, y, r, r * 0.85);
  }
}

function mountain(context: Context): void {
  background(context, '#6ea3dd', '#dfeaf5');
  context.fillStyle = vertical(context, '#76859c', '#56647a', 70, 160);
  polygon(context, [0, 150], [42, 76], [84, 150]);
  polygon(context, [110, 150], [158, 66], [192, 124], [192, 150]);
  context.fillStyle = vertical(context, '#5f6b7d', '#39434f', 30, 160);
  polygon(context, [28, 160], [100, 30], [172, 160]);
  context.fillStyle = '#f8fbff';
  polygon(context, [100, 30], [70, 84], [86, 76], [98, 92], [112, 74], [130, 84]);
  context.fillStyle = vertical(context, '#41653a', '#26401f', 146, 192);
  context.fillRect(0, 148, SIDE, 44);
}

function sea(context: Context): void {
  background(context, '#7db9ea', '#e9f3fa');
  context.fillStyle = vertical(context, '#2f7fb8', '#0c3f6b', 88, 192);
  context.fillRect(0, 88, SIDE, 104);
  context.lineWidth = 3;
  for (let row = 0; row < 6; row++) {
    context.strokeStyle = `rgb(255 255 255 / ${20 + row * 6}%)`;
    context.beginPath();
    for (let x = -8; x <= SIDE + 8; x += 4) {
      const y = 100 + row * row * 2.6 + Math.sin(x / (9 + row * 3) + row * 2) * (1 + row);
      context.lineTo(x, y);
    }
    context.stroke();
  }
}

const DRAWINGS: [string, (context: Context) => void][] = [
  ['orange', orange],
  ['sunflower', sunflower],
  ['rocket', rocket],
  ['mushroom', mushroom],
  ['mountain', mountain],
  ['sea', sea],
];

/** Pictures drawn by ourselves, so that there is something to click on without any data set. */
export function drawExamples(): Thumb[] {
  return DRAWINGS.map(([name, draw]) => {
    const canvas = create('canvas');
    canvas.width = SIDE;
    canvas.height = SIDE;
    const context = canvas.getContext('2d');
    if (context) draw(context);
    return { name: `Drawing of: ${name}`, canvas, truth: name };
  });
}
