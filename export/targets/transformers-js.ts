import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { UserError } from '../../core/errors.ts';
import { type LoadedClassifier, loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { parseModel } from '../../core/onnx/parse-model.ts';
import { exportForeign } from '../export-foreign.ts';
import type { ExportOptions } from '../options.ts';
import { CARD_MARK, outputPaths } from '../output/output-paths.ts';

/** Files of a repository by their paths in it, and what its user should know, a line each. */
export interface Repository {
  files: [path: string, data: string | Uint8Array][];
  notes: string[];
}

/** How transformers calls what it gives to a model. */
const INPUT = 'pixel_values';
/** Pillow's number of Lanczos, the only filter that transformers.js does not do without antialiasing in Node. */
const LANCZOS = 1;

/** The architecture that is told to transformers.js, which runs them all alike. */
const MODEL_TYPES: readonly (readonly [RegExp, string, string])[] = [
  [/mobilenet/i, 'mobilenet_v2', 'MobileNetV2ForImageClassification'],
  [/efficientnet/i, 'efficientnet', 'EfficientNetForImageClassification'],
  [/./, 'resnet', 'ResNetForImageClassification'],
];

/**
 * A model as a repository of the Hugging Face hub that `pipeline('image-classification')` of transformers.js loads, in
 * float32, float16 and int8. Pictures of the net's own size get the numbers that our server gives; see docs/deploy.md
 * for others.
 * @param model path of a float32 .onnx file
 * @param options of its export: where pictures to calibrate int8 on are, and how
 * @throws UserError if its scores are of independent classes, its input is not square, or it is float32 no more
 */
export async function transformersJs(model: string, options: ExportOptions = {}): Promise<Repository> {
  const precise = await loadClassifier(model);
  const { metadata } = precise;
  refuseOthers(metadata, model);
  const notes: string[] = [];
  const files: Repository['files'] = [
    ['config.json', json(configOf(metadata))],
    ['preprocessor_config.json', json(preprocessorOf(metadata))],
    ['onnx/model.onnx', withTheirInput(precise, model)],
  ];
  const scratch = await mkdtemp(join(tmpdir(), 'transformers-js-'));
  try {
    for (const [precision, name] of [
      ['fp16', 'model_fp16'],
      ['int8', 'model_quantized'],
    ] as const) {
      const out = join(scratch, `${name}.onnx`);
      const { calibration, reduceRange, verifyImages, ...shared } = options;
      const own = precision === 'int8' ? { calibration, reduceRange } : {};
      try {
        await exportForeign(model, { ...shared, ...own, verifyImages, externalData: false, precision, out });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        notes.push(
          `onnx/${name}.onnx is left out: ${error.message}` +
            (precision === 'int8' ? `; in browsers, whose default it is, say { dtype: 'fp32' }` : ''),
        );
        continue;
      }
      files.push([`onnx/${name}.onnx`, withTheirInput(await loadClassifier(out), out)]);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const own = await readFile(outputPaths(model).card, 'utf8').catch(() => '');
  files.push(['README.md', cardOf(metadata, own, notes, options.licence ?? metadata.licence)]);
  return { files, notes };
}

function refuseOthers(metadata: ClassifierMetadata, model: string): void {
  const refuse = (why: string): UserError => new UserError(`--target transformers.js: ${model} ${why}`);
  const { scores, precision = 'fp32', inputHeight, inputWidth } = metadata;
  if (scores === 'independent') {
    throw refuse('judges every class by itself, and transformers.js puts a softmax over all of them');
  }
  if (precision !== 'fp32')
    throw refuse(`is ${precision}; the folder gets all precisions, leave out --precision`);
  if (inputHeight !== inputWidth) {
    throw refuse(
      `takes ${inputWidth}x${inputHeight} pixels, and transformers.js takes the middle of a picture only as a square`,
    );
  }
}

function configOf({ model, labels, inputHeight }: ClassifierMetadata): Record<string, unknown> {
  const [, model_type, architecture] = MODEL_TYPES.find(([pattern]) => pattern.test(model))!;
  // Names may be there twice, and an object knows each once.
  const names = labels.map((label, index) =>
    labels.indexOf(label) === index ? label : `${label} (${index})`,
  );
  return {
    architectures: [architecture],
    model_type,
    image_size: inputHeight,
    num_channels: 3,
    id2label: Object.fromEntries(names.entries()),
    label2id: Object.fromEntries(names.map((label, index) => [label, index])),
  };
}

/**
 * The middle square of a picture, as our server takes it. `size` is an object: a number means the shorter side to
 * transformers and the longer one to some versions of transformers.js.
 */
function preprocessorOf({ mean, std, inputHeight: size }: ClassifierMetadata): Record<string, unknown> {
  return {
    // Resizes, crops and normalises, and nothing else, in transformers and transformers.js.
    image_processor_type: 'CLIPImageProcessor',
    do_convert_rgb: true,
    do_resize: true,
    size: { shortest_edge: size },
    resample: LANCZOS,
    do_center_crop: true,
    crop_size: { height: size, width: size },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
  };
}

/**
 * The model with its input as transformers calls it, and without our metadata, which speaks of the other one: what is in
 * it stands in the two JSON files now.
 */
function withTheirInput({ bytes, graph }: LoadedClassifier, source: string): Uint8Array {
  const theirs = (name: string): string => (name === 'input' ? INPUT : name);
  const renamed: Graph = {
    ...graph,
    inputs: graph.inputs.map((value) => ({ ...value, name: theirs(value.name) })),
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(theirs) })),
  };
  const versions = parseModel(bytes, source).opsetImport.map(
    ({ domain, version }) => [domain || 'ai.onnx', Number(version)] as const,
  );
  const { 'ai.onnx': opset, ...domains } = Object.fromEntries(versions);
  return encodeModel(renamed, {}, { opset, domains });
}

/** Licences by the words in which they are told, as the hub calls them. */
const LICENCES: readonly (readonly [RegExp, string])[] = [
  [/\bMIT\b/, 'mit'],
  [/\bApache[- ](License )?2(\.0)?\b/i, 'apache-2.0'],
  [/\bBSD[- ]3\b/i, 'bsd-3-clause'],
];

function cardOf(
  metadata: ClassifierMetadata,
  card: string,
  notes: readonly string[],
  licence: string | undefined,
): string {
  const { model, dataset, accuracy, inputHeight: size } = metadata;
  const stated = licence ?? /^Weights: (.*)$/m.exec(card)?.[1] ?? '';
  const known = LICENCES.find(([pattern]) => pattern.test(stated))?.[1];
  const title = `${model}, ${dataset}`;
  const head = {
    library_name: 'transformers.js',
    pipeline_tag: 'image-classification',
    tags: ['image-classification', 'onnx', 'onnx-classifier'],
    ...(known ? { license: known } : stated ? { license: 'other', license_name: stated.slice(0, 100) } : {}),
    ...(accuracy && {
      'model-index': [
        {
          name: model,
          results: [
            {
              task: { type: 'image-classification' },
              dataset: { name: dataset, type: dataset, split: 'test' },
              metrics: [{ type: 'accuracy', value: accuracy.top1, name: 'top-1' }],
            },
          ],
        },
      ],
    }),
  };
  const sections = [
    `---\n${stringify(head)}---`,
    CARD_MARK,
    `# ${title}`,
    'For [transformers.js](https://huggingface.co/docs/transformers.js), in Node and browsers:',
    "```js\nimport { pipeline } from '@huggingface/transformers';\n\n" +
      "const classify = await pipeline('image-classification', 'OWNER/NAME');\n" +
      "const [{ label, score }] = await classify('picture.jpg');\n```",
    'onnx-classifier serves this folder as it is: `serve --model FOLDER`.',
    '## What differs from onnx-classifier',
    `Pictures of ${size} x ${size} pixels give the same numbers. Larger ones are resized by a Lanczos filter in Node, by the ` +
      'canvas in browsers (without antialiasing of its own), where onnx-classifier, and the training, resize by an ' +
      'antialiased bilinear one: probabilities differ, and of nets of few pixels the best class too (one of 32 pixels agreed on ' +
      '45 of 60 pictures of 300 x 200 in Node). What is transparent shows its colour there, and white here.' +
      (metadata.scores === 'log-probabilities' ? ' The scores are logarithms of probabilities.' : ''),
    ...notes,
    ...(card === ''
      ? []
      : ['## The model', card.replace(/^[\s\S]*?\n# .*\n+/, '').replace(/^## /gm, '### ')]),
  ];
  return `${sections.join('\n\n').trimEnd()}\n`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
