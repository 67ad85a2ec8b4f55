import { CIFAR10_BINARY } from '../../../core/data/cifar10.ts';
import { CIFAR100_NORMALIZATION } from '../../../core/data/cifar100.ts';
import { CIFAR100_LABELS } from '../../../core/data/cifar100-superclasses.ts';
import { UserError } from '../../../core/errors.ts';
import { type ClassifierMetadata, decodeMetadata, isOurs } from '../../../core/model-metadata.ts';
import type { Dim, Graph } from '../../../core/onnx/graph.ts';
import { shortName } from './short-name.ts';

/** How to feed a model and read it. */
export interface ModelEnds {
  metadata: ClassifierMetadata;
  input: string;
  output: string;
  /** True for a model from elsewhere, which says nothing of its classes and normalisation. */
  assumed: boolean;
}

/** The image size where a model takes any. */
const DEFAULT_SIZE = 32;

/**
 * What a model says of itself; of a model from elsewhere, what its shapes say: one float32 input
 * [N, 3, H, W], scores [N, classes] as the first output, and CIFAR's normalisation and class names by the
 * number of classes.
 * @throws UserError if it is no classifier of pictures
 */
export function modelEnds(graph: Graph, props: Readonly<Record<string, string>>, name: string): ModelEnds {
  const [input] = graph.inputs;
  const [output] = graph.outputs;
  if (isOurs(props)) {
    const own = graph.inputs.find((value) => value.name === 'input');
    if (own?.dtype !== 'float32' || !graph.outputs.some((value) => value.name === 'logits')) {
      throw new UserError(
        `${name} is no classifier of this project: it needs a float32 "input" and an output "logits"; export it with npm run export.`,
      );
    }
    const metadata = decodeMetadata(props, name);
    return { metadata, input: 'input', output: 'logits', assumed: false };
  }
  if (
    !input ||
    !output ||
    graph.inputs.length !== 1 ||
    input.dtype !== 'float32' ||
    input.dims.length !== 4
  ) {
    throw new UserError(
      `${name} is no classifier of pictures: it needs one float32 input [N, 3, height, width].`,
    );
  }
  const [, channels, height, width] = input.dims;
  if (channels !== 3 && typeof channels === 'number') {
    throw new UserError(
      `${name} takes ${channels} channels in its second axis; pictures have 3, in NCHW order.`,
    );
  }
  const classes = output.dims.at(-1);
  if (typeof classes !== 'number' || output.dims.length !== 2) {
    throw new UserError(`${name} does not say how many classes its output has; it should be [N, classes].`);
  }
  const metadata: ClassifierMetadata = {
    model: shortName(name),
    dataset: 'unknown data',
    labels: labelsFor(classes),
    ...(classes === 10 ? CIFAR10_BINARY.normalization : CIFAR100_NORMALIZATION),
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: sizeOf(height),
    inputWidth: sizeOf(width),
  };
  return { metadata, input: input.name, output: output.name, assumed: true };
}

function sizeOf(dim: Dim | undefined): number {
  return typeof dim === 'number' && dim > 0 ? dim : DEFAULT_SIZE;
}

function labelsFor(classes: number): string[] {
  if (classes === CIFAR100_LABELS.length) return [...CIFAR100_LABELS];
  return Array.from({ length: classes }, (_, index) => `class ${index}`);
}
