import { basename } from 'node:path';
import { formatPercent } from '../../core/cli/format.ts';
import { cleanLines, plainMarkdown } from '../../core/cli/printable.ts';
import { fewClasses } from '../../core/metrics/few-classes.ts';
import type { ScoreKind } from '../../core/metrics/scores.ts';
import type { Agreement, ClassifierMetadata } from '../../core/model-metadata.ts';
import { CARD_MARK, type ExportResult } from '../output/output-paths.ts';
import { pillowLines } from '../pillow.ts';

export interface CardExtras {
  /** Of the model file. */
  sha256: string;
  /** Whether the weights are in a file beside the model. */
  external: boolean;
  trainedHere: boolean;
  /** Of the weights, if the user said. */
  licence?: string | undefined;
}

/**
 * A model card (Mitchell et al. 2019, arXiv:1810.03993) in Markdown: what the model is, what it was trained on and
 * how, how good it is and how large, and what may be done with it. The same export gives the same card.
 */
export function modelCard(result: ExportResult, extras: CardExtras): string {
  const { metadata, path } = result;
  const notes = datasetNotes(metadata.dataset);
  const sections = [
    CARD_MARK,
    `# ${plainMarkdown(metadata.model)}, ${plainMarkdown(metadata.dataset)}`,
    metadata.scores === 'independent'
      ? `An image classifier in ONNX: whether a picture shows each of ${metadata.labels.length} things, any number of them.`
      : `An image classifier in ONNX: which of ${metadata.labels.length} classes a picture shows.`,
    ...(metadata.labels.length <= FEW_CLASSES
      ? [`Its classes: ${metadata.labels.map(plainMarkdown).join(', ')}.`]
      : []),
    table([
      ['file', code(basename(path))],
      [
        'size',
        `${(result.bytes / 1e6).toFixed(2)} MB${extras.external ? ', with the weights beside it' : ''}`,
      ],
      ['SHA-256', code(extras.sha256)],
      ['precision', PRECISION_NAMES[metadata.precision ?? 'fp32']],
      ['format', `ONNX opset ${result.opset}, IR ${result.irVersion}`],
      ['parameters', result.parameters.toLocaleString('en')],
      [
        'multiply-accumulates',
        result.macs === undefined
          ? 'not known of some of its operators'
          : `${(result.macs / 1e6).toFixed(1)} million an image (counted from the graph: convolutions and matrix products)`,
      ],
    ]),
    '## Input and output',
    describeInterface(metadata),
    usage(basename(path), metadata),
    '## Data',
    `${notes.description} Normalised with mean ${list(metadata.mean)} and standard deviation ${list(metadata.std)}.`,
    '## Accuracy',
    describeAccuracy(metadata),
    describeFidelity(result),
    '## Recipe',
    describeRecipe(metadata.trainingConfig),
    '## Limits',
    (metadata.scores === 'independent'
      ? `It judges each of its ${metadata.labels.length} classes by itself, and knows pictures `
      : `It names one of its ${metadata.labels.length} classes for any picture, of whatever that is, and knows pictures `) +
      `of ${metadata.inputWidth} x ${metadata.inputHeight} pixels: larger ones lose their detail. Its probabilities ` +
      'are not calibrated.',
    '## Licence',
    `Weights: ${describeLicence(extras)} ${notes.terms}`,
  ];
  return `${cleanLines(sections.join('\n\n'))}\n`;
}

/** So many are named; of more the labels file has them. */
const FEW_CLASSES = 20;

const PRECISION_NAMES = {
  fp32: 'float32',
  fp16: 'float16 (inputs and outputs float32)',
  int8: 'int8 weights and activations (inputs and outputs float32)',
};

function describeInterface(metadata: ClassifierMetadata): string {
  const { inputHeight: h, inputWidth: w, inputLayout, labels } = metadata;
  const resized = `pictures cropped around the centre to that aspect ratio and resized to ${w} x ${h} (bilinear, antialiased), RGB`;
  if (metadata.preprocessing === 'graph') {
    return (
      `Input \`images\`: uint8 [batch, ${h}, ${w}, 3], ${resized}. Outputs, the best classes first: ` +
      '`probabilities`, float32 [batch, k], and `indices`, int64 [batch, k], into the labels.'
    );
  }
  const dims = inputLayout === 'NCHW' ? `batch, 3, ${h}, ${w}` : `batch, ${h}, ${w}, 3`;
  return (
    `Input \`input\`: float32 [${dims}], ${resized}, \`(v / 255 - mean) / std\`. ` +
    `Output \`logits\`: float32 [batch, ${labels.length}], ${READING[metadata.scores ?? 'logits']}. ` +
    (metadata.oneByOne ? 'It computes the images of a batch one after the other. ' : '') +
    `All of this is in the file's metadata, with the labels.`
  );
}

const READING: Readonly<Record<ScoreKind, string>> = {
  logits: 'of which a softmax makes probabilities',
  'log-probabilities': 'logarithms of probabilities, which exp makes them again',
  independent: 'logarithms of probabilities, each by itself, which exp makes them again',
};

function describeAccuracy({ accuracy, labels }: ClassifierMetadata): string {
  if (!accuracy) return 'Not measured.';
  return table([
    ['test images', accuracy.images.toLocaleString('en')],
    ['top-1', `${formatPercent(accuracy.top1)} (${accuracy.top1Correct} right)`],
    ...(fewClasses(labels) ? [] : [['top-5', formatPercent(accuracy.top5)] as const]),
    ['loss', accuracy.loss.toFixed(4)],
  ]);
}

/** How close the file is to the weights it was made of. */
export function describeFidelity({ metadata, maxDifference, agreement }: ExportResult): string {
  const { precision = 'fp32', preprocessing } = metadata;
  const difference =
    preprocessing === 'graph'
      ? `its probabilities differ from the checkpoint's by ${oneDigit(maxDifference)} at most`
      : `its logits differ from the checkpoint's by ${oneDigit(maxDifference)} of the largest at most`;
  const checked = `Run with onnxruntime before it was put in place: ${difference}.`;
  if (precision === 'fp32') return checked;
  return `The figures above are those of the float32 weights. ${checked} ${describeAgreement(agreement)}`;
}

export function describeAgreement({
  on,
  images,
  top1Agreeing,
  top1Correct,
  referenceTop1Correct,
}: Agreement): string {
  const agreeing = `The best class is that of float32 on ${top1Agreeing} of ${images} ${on} (${formatPercent(top1Agreeing / images)})`;
  if (top1Correct === undefined || referenceTop1Correct === undefined) return `${agreeing}.`;
  return `${agreeing}, and right on ${top1Correct}, where float32 is on ${referenceTop1Correct}.`;
}

/** The figure differs a little from machine to machine. */
function oneDigit(value: number): string {
  return value.toExponential(0);
}

function describeRecipe(config: Record<string, unknown> | undefined): string {
  if (!config) return 'Not known: the weights were not trained by this project, or do not say.';
  const rows = Object.entries(config).map(([name, value]): [string, string] => [
    name,
    code(JSON.stringify(value)),
  ]);
  return `The run's configuration:\n\n${table(rows)}`;
}

function describeLicence({ licence, trainedHere }: CardExtras): string {
  if (licence !== undefined) return `${licence}.`;
  return trainedHere ? 'MIT, as the code that trained them.' : 'not stated; ask whoever trained them.';
}

function table(rows: readonly (readonly [string, string])[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/[\r\n]+/g, ' ');
  return ['| | |', '| --- | --- |', ...rows.map(([a, b]) => `| ${cell(a)} | ${cell(b)} |`)].join('\n');
}

function list(values: readonly number[]): string {
  return `(${values.join(', ')})`;
}

function code(text: string): string {
  // A fence longer than any in the text, and away from those at its ends.
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
  const fence = '`'.repeat(longest + 1);
  return longest > 0 ? `${fence} ${text} ${fence}` : `${fence}${text}${fence}`;
}

/** What a model card says of the data, by the dataset's name. */
const NOTES: Readonly<Record<string, { description: string; terms: string }>> = {
  cifar100: {
    description:
      'CIFAR-100: 50,000 training and 10,000 test images of 32 x 32 pixels in 100 classes ' +
      '([Krizhevsky 2009](https://www.cs.toronto.edu/~kriz/cifar.html)).',
    terms: 'The data is by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; it comes without a licence.',
  },
  cifar10: {
    description:
      'CIFAR-10: 50,000 training and 10,000 test images of 32 x 32 pixels in 10 classes ' +
      '([Krizhevsky 2009](https://www.cs.toronto.edu/~kriz/cifar.html)).',
    terms: 'The data is by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; it comes without a licence.',
  },
  imagenet: {
    description:
      'ImageNet (ILSVRC 2012): 1.28 million training photographs in 1000 classes ' +
      '([Russakovsky et al. 2015](https://arxiv.org/abs/1409.0575)).',
    terms: "ImageNet's photographs are of many owners; they are given for research and education.",
  },
  synthetic: {
    description:
      'Synthetic: images of shapes and textures drawn by the code of onnx-classifier. A model of it shows that the ' +
      'chain works; it knows no real pictures.',
    terms: 'The data is part of the code (MIT).',
  },
  folder: {
    description: 'A folder of images, with a folder a class.',
    terms: 'The data is the user’s own; its terms are not known here.',
  },
};

function datasetNotes(dataset: string): { description: string; terms: string } {
  const known = Object.hasOwn(NOTES, dataset) ? NOTES[dataset] : undefined;
  return known ?? { description: plainMarkdown(dataset), terms: 'The terms of the data are not known here.' };
}

/** How to run a model with onnxruntime, as code to copy, for the interface that it has. */
function usage(file: string, metadata: ClassifierMetadata): string {
  const name = JSON.stringify(file);
  if (metadata.preprocessing === 'graph') {
    return fenced(
      'python',
      'import onnxruntime, numpy, PIL.Image, PIL.ImageOps',
      ...preparation(metadata),
      `session = onnxruntime.InferenceSession(${name})`,
      'probabilities, indices = session.run(None, {"images": numpy.asarray(image)[None]})',
    );
  }
  const { mean, std, inputLayout } = metadata;
  const planar = inputLayout === 'NCHW' ? '.transpose(2, 0, 1)' : '';
  return fenced(
    'python',
    'import onnxruntime, numpy, PIL.Image, PIL.ImageOps',
    ...preparation(metadata),
    `x = (numpy.asarray(image) / 255 - ${JSON.stringify(mean)}) / ${JSON.stringify(std)}`,
    `session = onnxruntime.InferenceSession(${name})`,
    `logits, = session.run(None, {"input": x${planar}[None].astype(numpy.float32)})`,
  );
}

function preparation({ inputHeight: height, inputWidth: width }: ClassifierMetadata): string[] {
  return pillowLines('PIL.Image.open("picture.jpg")', { width, height });
}

function fenced(language: string, ...lines: string[]): string {
  return [`\`\`\`${language}`, ...lines, '```'].join('\n');
}
