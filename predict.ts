import { stat } from 'node:fs/promises';
import { runMain } from './core/cli/main.ts';
import { type ParsedOptions, parseOptions } from './core/cli/options.ts';
import { cleanLines, cleanText, printableJson } from './core/cli/printable.ts';
import { ProgressBar } from './core/cli/progress.ts';
import { UserError } from './core/errors.ts';
import { RUNTIME_OPTION, type RuntimeChoice } from './core/runtime/runtimes.ts';
import type { ImageInput, ImageResult } from './index.ts';

const command = {
  name: 'predict',
  summary:
    'Classifies pictures without a server: files, all pictures in and below folders, and http(s) addresses, in the ' +
    'order given. What cannot be read is named and left out, and the exit code is then 1.',
  positionals: 'FILE|DIR|URL...',
  options: {
    model: {
      type: 'string',
      value: 'FILE|NAME',
      help: 'an .onnx file, or a name looked up in exports/ and models/ (left out: the embedded model)',
    },
    preprocessing: {
      type: 'string',
      value: 'FILE',
      help: 'how to prepare images for a --model of another program, as JSON (left out: MODEL.json beside it)',
    },
    'top-k': { type: 'integer', help: 'classes a picture, best first', default: 5, min: 1 },
    ...RUNTIME_OPTION,
    json: { type: 'boolean', help: 'print a JSON object a line', default: false },
    csv: { type: 'boolean', help: 'print a table with a line a picture', default: false },
  },
} as const;

/** With fewer pictures a bar would be gone before it is read. */
const WORTH_A_BAR = 20;

await runMain(async () => {
  const { options, positionals } = parseOptions(command, process.argv.slice(2));
  if (positionals.length === 0) {
    throw new UserError(
      'say what to classify: npm run predict -- FILE|DIR|URL...; see npm run predict -- --help',
    );
  }
  if (options.json && options.csv) throw new UserError('give --json or --csv, not both');
  const images = await listImages(positionals);
  const { Classifier } = await import('./index.ts');
  const { preprocessing, model } = options;
  const classifier = await Classifier.open(model, {
    ...(preprocessing === undefined ? {} : { preprocessing }),
    runtime: options.runtime as RuntimeChoice,
    // With more threads than pictures the last would only be started.
    ...(images.length === 1 ? { workers: 1 } : {}),
  });
  try {
    for (const note of classifier.notes) warn(`note: ${note}`);
    const topK = Math.min(options.topK, classifier.labels.length);
    const format = chooseFormat(options, topK);
    if (format.head !== undefined) process.stdout.write(`${format.head}\n`);
    // On a terminal the results are the progress.
    const bar =
      images.length >= WORTH_A_BAR && !process.stdout.isTTY
        ? new ProgressBar({ label: 'predict', total: images.length, unit: 'images' })
        : undefined;
    let done = 0;
    let failed = 0;
    for await (const result of classifier.classifyEach(images, { topK })) {
      const line = format.line(result);
      if (line !== undefined) process.stdout.write(`${line}\n`);
      if ('error' in result) {
        failed++;
        warn(`left out: ${result.error.message}`);
      }
      bar?.update(++done);
    }
    bar?.finish();
    if (failed > 0) throw new UserError(`${failed} of ${images.length} pictures could not be classified`);
  } finally {
    await classifier.close();
  }
});

function warn(line: string): void {
  process.stderr.write(`${cleanLines(line)}\n`);
}

/**
 * What is meant, in order: addresses, files as they are, and the pictures of folders.
 * @throws UserError if an address is none of http or https, or a folder has no pictures
 */
async function listImages(given: readonly string[]): Promise<(string | URL)[]> {
  const [{ picturesBelow }, { Skipped }] = await Promise.all([
    import('./core/image/picture-file.ts'),
    import('./core/data/folder/scan.ts'),
  ]);
  const images: (string | URL)[] = [];
  for (const text of given) {
    const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text) ?? [];
    if (scheme !== undefined) {
      if (!/^https?$/i.test(scheme) || !URL.canParse(text)) {
        throw new UserError(`"${text}" is no http or https address; give a file, a folder or an address`);
      }
      images.push(new URL(text));
      continue;
    }
    const isFolder = (await stat(text).catch(() => undefined))?.isDirectory() ?? false;
    if (!isFolder) {
      images.push(text);
      continue;
    }
    const { pictures, others } = await picturesBelow(text);
    const skipped = new Skipped();
    for (const file of others) skipped.addFile(file);
    const notRead = skipped.describe();
    if (pictures.length === 0) {
      throw new UserError(
        `${text} has no pictures (png, jpg, webp, bmp, tif, gif, avif), nor has a folder in it${notRead ? `; ${notRead}` : ''}`,
      );
    }
    if (notRead) warn(`note: ${text}: ${notRead}`);
    images.push(...pictures);
  }
  return images;
}

/** How results are written; a picture that is left out may have no line. */
interface Format {
  head?: string;
  line(result: ImageResult): string | undefined;
}

function chooseFormat(options: ParsedOptions<(typeof command)['options']>, topK: number): Format {
  if (options.json) return { line: jsonLine };
  if (!options.csv) return { line: textLine };
  const columns = Array.from({ length: topK }, (_, i) =>
    i === 0 ? ['label', 'probability'] : [`label_${i + 1}`, `probability_${i + 1}`],
  );
  return {
    head: ['image', ...columns.flat(), 'error'].join(','),
    line: (result) => csvLine(result, topK),
  };
}

function nameOf(image: ImageInput): string {
  return image instanceof URL ? image.href : String(image);
}

function textLine(result: ImageResult): string | undefined {
  if ('error' in result) return undefined;
  const classes = result.predictions.map(
    ({ label, probability }) => `${label} ${(100 * probability).toFixed(2)} %`,
  );
  return cleanText(`${nameOf(result.image)}  ${classes.join(', ')}`);
}

function jsonLine(result: ImageResult): string {
  const image = nameOf(result.image);
  return 'error' in result
    ? printableJson({ image, error: result.error.message })
    : printableJson({ image, predictions: result.predictions });
}

/** As RFC 4180 has it. */
function csvLine(result: ImageResult, topK: number): string {
  const classes =
    'error' in result
      ? Array<string>(2 * topK).fill('')
      : result.predictions.flatMap(({ label, probability }) => [label, String(probability)]);
  const error = 'error' in result ? result.error.message : '';
  return [nameOf(result.image), ...classes, error].map(csvField).join(',');
}

function csvField(text: string): string {
  const clean = cleanText(text);
  return /[",]|^\s|\s$/.test(clean) ? `"${clean.replaceAll('"', '""')}"` : clean;
}
