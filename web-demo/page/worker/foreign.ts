import type { onnx as Onnx } from 'onnx-proto';
import { CIFAR10_BINARY } from '../../../core/data/cifar10.ts';
import { CIFAR100_NORMALIZATION } from '../../../core/data/cifar100.ts';
import { CIFAR100_LABELS } from '../../../core/data/cifar100-superclasses.ts';
import { UserError } from '../../../core/errors.ts';
import { adaptForeign, takesBytes } from '../../../core/foreign-model/adapt-foreign.ts';
import { inMetadata } from '../../../core/foreign-model/in-metadata.ts';
import type { ModelInterface, RunnableModel } from '../../../core/foreign-model/interface.ts';
import type { Preprocessing } from '../../../core/foreign-model/preprocessing.ts';
import { type ClassifierMetadata, decodeMetadata, isOurs } from '../../../core/model-metadata.ts';
import type { Graph } from '../../../core/onnx/graph.ts';
import { decodeModel } from '../../../core/onnx/model-file.ts';
import { parseModel } from '../../../core/onnx/parse-model.ts';
import type { GivenModel } from './protocol.ts';

/** A model with an input `input` and an output `logits`, as ours have. */
export interface ReadModel {
  bytes: Uint8Array;
  graph: Graph;
  metadata: ClassifierMetadata;
  /** True for a model from elsewhere, which says nothing of its classes and normalisation. */
  assumed: boolean;
  /** What is to be known of it, a sentence each. */
  notes: string[];
}

/**
 * Reads a model that the page has, alone or with the files beside it.
 * @throws UserError as {@link readModel}
 */
export async function readGiven(
  name: string,
  given: GivenModel,
  open: (bytes: Uint8Array) => Promise<RunnableModel>,
): Promise<ReadModel> {
  if ('file' in given) return readModel(given.file, name, open);
  // Few readers give it such files.
  const { readGivenModel } = await import('./given-model.ts');
  return readGivenModel(given.files, name, open);
}

/** The image size where a model takes any. */
const DEFAULT_SIZE = 32;

/**
 * Reads a model with what it says of itself. One from elsewhere is adapted as the server does it; what a JSON file
 * beside it would say is assumed: CIFAR's normalisation, and its class names by the number of classes.
 * @param open opens a model to try it
 * @param beside what the files beside a model from elsewhere say of it, and what is to be known of that; nothing is
 *   assumed then
 * @throws UserError if it is no classifier of pictures, or cannot be run
 */
export async function readModel(
  bytes: Uint8Array,
  name: string,
  open: (bytes: Uint8Array) => Promise<RunnableModel>,
  beside?: (model: Onnx.IModelProto) => Promise<{ given: Preprocessing; notes: string[] }>,
): Promise<ReadModel> {
  const model = parseModel(bytes, name);
  const props = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key ?? '', value ?? '']));
  if (isOurs(props)) {
    const { graph } = decodeModel(bytes, name);
    const own = graph.inputs.find((value) => value.name === 'input');
    if (own?.dtype !== 'float32' || !graph.outputs.some((value) => value.name === 'logits')) {
      throw new UserError(
        `${name} is no classifier of this project: it needs a float32 "input" and an output "logits"; export it with npm run export.`,
      );
    }
    const [batch] = own.dims;
    if (typeof batch === 'number' && batch > 1) {
      throw new UserError(`${name} takes ${batch} images exactly; export it with --batch dynamic for this.`);
    }
    return { bytes, graph, metadata: decodeMetadata(props, name), assumed: false, notes: [] };
  }
  if (beside) {
    const { given, notes } = await beside(model);
    const adapted = await adaptForeign(bytes, given, { name: shortName(name), source: name, open });
    const { graph } = decodeModel(adapted.bytes, name);
    return { ...adapted, graph, assumed: false, notes: [...notes, ...adapted.notes] };
  }
  const sizes = model.graph.input?.[0]?.type?.tensorType?.shape?.dim ?? [];
  const known = sizes.slice(1).filter(({ dimValue }) => Number(dimValue ?? 0) > 4);
  const { sizes: own, ...said } = inMetadata(model);
  const given: Preprocessing = {
    ...said,
    ...(known.length < 2 ? { size: own?.[0] ?? [DEFAULT_SIZE, DEFAULT_SIZE] } : {}),
  };
  const sizeNote =
    known.length < 2 && !own
      ? [`it takes pictures of any size: ${DEFAULT_SIZE}×${DEFAULT_SIZE} pixels are assumed`]
      : [];
  try {
    const adapted = await adaptForeign(bytes, given, { name: shortName(name), source: name, open, assume });
    const { graph } = decodeModel(adapted.bytes, name);
    return {
      ...adapted,
      graph,
      assumed: !(said.labels && said.mean),
      notes: [...sizeNote, ...adapted.notes],
    };
  } catch (error) {
    if (!(error instanceof UserError) || !/JSON file/.test(error.message)) throw error;
    throw new UserError(`${error.message}; give the page both of them together, or their folder.`);
  }
}

function assume({ inputType, classes }: ModelInterface): Preprocessing {
  const { mean, std } = classes === 10 ? CIFAR10_BINARY.normalization : CIFAR100_NORMALIZATION;
  return {
    dataset: 'unknown data',
    ...(takesBytes(inputType) ? {} : { mean: [...mean], std: [...std] }),
    ...(classes === undefined ? {} : { labels: labelsFor(classes) }),
  };
}

function labelsFor(classes: number): string[] {
  if (classes === CIFAR100_LABELS.length) return [...CIFAR100_LABELS];
  return Array.from({ length: classes === 1 ? 2 : classes }, (_, index) => `class ${index}`);
}

/** A model's name without folders and ending. */
function shortName(name: string): string {
  return name
    .split('/')
    .at(-1)!
    .replace(/\.onnx$/i, '');
}
