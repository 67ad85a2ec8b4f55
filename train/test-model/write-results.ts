import { join, parse } from 'node:path';
import sharp from 'sharp';
import { formatPercent } from '../../core/cli/format.ts';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { errorMessage, UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { makeFolders } from '../../core/fs/make-folder.ts';
import type { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import { confusionSvg } from '../../core/plot/confusion-svg.ts';
import { canDrawText } from '../../core/plot/png.ts';
import type { TestReport } from './report.ts';

/** At this density librsvg draws a pixel to each of the SVG's. */
const CSS_DENSITY = 72;
/** Pixels of the picture to one of the SVG. */
const SCALE = 2;

/** Where results are written by default: beside the weights, `runs/x/best.safetensors` in `runs/x/best-test`. */
export function defaultFolder(weights: string): string {
  const { dir, name } = parse(weights);
  return join(dir, `${name}-test`);
}

/**
 * Makes the folder for the results, before the work whose results they are.
 * @throws UserError if that is not possible
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/**
 * Writes report.json, confusion-matrix.svg and, where the machine has a font to draw it with,
 * confusion-matrix.png.
 * @returns the names of the files
 * @throws UserError if the folder cannot be written
 */
export async function writeResults(
  folder: string,
  report: TestReport,
  matrix: ConfusionMatrix,
  dataset: Pick<ImageDataset, 'labels' | 'superclasses'>,
): Promise<string[]> {
  const superclass =
    report.superclassTop1 === undefined ? '' : `, superclass ${formatPercent(report.superclassTop1)}`;
  const svg = confusionSvg(matrix, dataset, {
    heading: `${report.model} on ${report.dataset}`,
    detail: `${report.images} test images: top-1 ${formatPercent(report.top1)}, top-5 ${formatPercent(report.top5)}${superclass}`,
  });
  const files: [name: string, content: string | Uint8Array][] = [
    ['report.json', `${JSON.stringify(report)}\n`],
    ['confusion-matrix.svg', svg],
  ];
  if (await canDrawText()) files.push(['confusion-matrix.png', await drawPng(svg)]);
  try {
    for (const [name, content] of files) await writeFileAtomic(join(folder, name), content);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  return files.map(([name]) => name);
}

function cannotWrite(folder: string, error: unknown): UserError {
  return new UserError(`cannot write to ${folder}: ${errorMessage(error)}; give another with --out`);
}

function drawPng(svg: string): Promise<Uint8Array> {
  return sharp(Buffer.from(svg), { density: SCALE * CSS_DENSITY })
    .png({ compressionLevel: 9, palette: true })
    .toBuffer();
}
