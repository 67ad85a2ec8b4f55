import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ImageDataset, Normalization } from '../../core/data/dataset.ts';
import { UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { embeddedModelPath, embeddedModels } from '../../core/models/embedded.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type Dim, floatTensor, type Graph, str } from '../../core/onnx/graph.ts';
import { OPSET_VERSION } from '../../core/onnx/opset.ts';
import { fixBatch } from '../../core/onnx/passes/fix-batch.ts';
import { foldConstants } from '../../core/onnx/passes/fold-constants.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { inferShapes } from '../../core/onnx/shape-inference.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';
import { findHead, replaceHead, withoutProbabilities } from './head.ts';

/** Where models of names are looked for beside the embedded ones. */
const FETCHED = 'pretrained';

export interface StartOptions {
  /** A file (.onnx of anybody's, .pth or .safetensors of a net of the zoo), or the name of a model. */
  from: string;
  /** The node of the layer that tells the classes apart, where it cannot be known. */
  head?: string | undefined;
  /** Height and width that the net sees; default its own. */
  netSize?: number | undefined;
  /** Decides the new head's weights. */
  seed: number;
}

/** A model to go on training, on a dataset's classes and images. */
export interface StartModel {
  /** Takes images of the dataset's size, normalised as below, and gives logits of its classes. */
  graph: Graph;
  /** What images the model was trained on; undefined if its file does not say. */
  normalization?: Normalization;
  /** What its user should know, a line each. */
  notes: string[];
}

/**
 * Makes a model ready to be trained on a dataset: with a new head where its classes are others, and with a Resize in
 * front where its images are of another size.
 * @throws UserError if the file cannot be read or is no such model, its head is not known, or it does not take
 *   images of the size asked for
 */
export async function startFrom(
  { from, head, netSize, seed }: StartOptions,
  dataset: Pick<ImageDataset, 'labels' | 'height' | 'width'>,
): Promise<StartModel> {
  const path = await findFile(from);
  const loaded = /\.onnx$/i.test(path) ? await fromOnnx(path) : await fromWeights(path, netSize);
  const notes = [...loaded.notes];
  let graph = withoutProbabilities(loaded.graph);
  const found = findHead(graph, head);
  const sameLabels = loaded.labels?.join('\n') === dataset.labels.join('\n');
  if (found.classes !== dataset.labels.length || (loaded.labels && !sameLabels)) {
    graph = replaceHead(graph, found, dataset.labels.length, seed);
    notes.push(
      `its head (${found.weight}, ${found.classes} classes) is replaced by one of ${dataset.labels.length}`,
    );
  }
  graph = enlarge(graph, dataset, netSize, from);
  if (graph !== loaded.graph && enlarges(graph)) {
    notes.push(
      `images of ${dataset.width}x${dataset.height} are enlarged to ${sizeText(loaded.graph, netSize)} in the graph`,
    );
  }
  const { normalization } = loaded;
  return { graph: { ...graph, name: loaded.name }, ...(normalization ? { normalization } : {}), notes };
}

/**
 * A graph of which nothing is computed that does not depend on images or weights.
 * @param batch if it is settled; default it stays open
 */
export async function foldForTraining(graph: Graph, batch?: number): Promise<Graph> {
  const trained = new Set(initializerRoles(graph).parameters);
  const { graph: folded } = await foldConstants(batch === undefined ? graph : fixBatch(graph, batch), {
    opset: graph.opset ?? OPSET_VERSION,
    isTrained: (name) => trained.has(name),
  });
  return { ...folded, ...(graph.opset === undefined ? {} : { opset: graph.opset }) };
}

interface Loaded {
  graph: Graph;
  name: string;
  labels?: string[];
  normalization?: Normalization;
  notes: string[];
}

async function findFile(from: string): Promise<string> {
  if (existsSync(from)) return from;
  const fetched = join(FETCHED, `${from}.onnx`);
  if (existsSync(fetched)) return fetched;
  const embedded = await embeddedModels();
  if (embedded.includes(from)) return embeddedModelPath(from);
  const names = embedded.length > 0 ? `, or one of ${embedded.join(', ')}` : '';
  throw new UserError(
    `--from ${from}: there is no such file${names}; give an .onnx, .pth or .safetensors, or fetch one with npm run pretrained`,
  );
}

async function fromOnnx(path: string): Promise<Loaded> {
  const { graph: stored, metadata, notes } = await loadClassifier(path);
  const { mean, std, labels } = metadata;
  if (metadata.oneByOne) {
    throw new UserError(
      `${path} takes one image at a time and cannot be trained in batches; export it with a dynamic batch`,
    );
  }
  if (metadata.precision === 'int8' || metadata.precision === 'fp16') {
    throw new UserError(`${path} is of ${metadata.precision}; training goes on from the float32 model`);
  }
  const graph = await foldForTraining(stored);
  return { graph, name: nameOf(path), labels, normalization: { mean, std }, notes: [...notes] };
}

async function fromWeights(path: string, imageSize: number | undefined): Promise<Loaded> {
  const { tensors, left } = await loadWeights(path);
  const { graph, model } = fitModel(tensors, path, {
    left,
    ...(imageSize === undefined ? {} : { imageSize }),
  });
  return {
    graph,
    name: model,
    notes: ['its file does not say how images are normalised; the statistics of the dataset are used'],
  };
}

/** A name that folders and messages bear. */
function nameOf(path: string): string {
  return (
    basename(path)
      .replace(/\.onnx$/i, '')
      .replace(/[^\w.-]+/g, '_') || 'model'
  );
}

/** The size that the net itself takes. */
function sizeText(graph: Graph, netSize: number | undefined): string {
  const [, , height, width] = graph.inputs[0]!.dims;
  return netSize === undefined ? `${width}x${height}` : `${netSize}x${netSize}`;
}

const ENLARGED = 'enlarged';

function enlarges({ nodes }: Graph): boolean {
  return nodes[0]?.outputs[0] === ENLARGED;
}

/** The graph for images of the dataset's size: as it is, retold for it, or with a bilinear Resize in front. */
function enlarge(
  graph: Graph,
  { height, width }: { height: number; width: number },
  netSize: number | undefined,
  from: string,
): Graph {
  const [input] = graph.inputs as [Graph['inputs'][0]];
  const [, , ownHeight, ownWidth] = input.dims;
  const [netHeight, netWidth] = netSize === undefined ? [ownHeight, ownWidth] : [netSize, netSize];
  const retold = withSize(graph, netHeight!, netWidth!);
  if (netHeight !== ownHeight || netWidth !== ownWidth) checkSize(retold, from, netSize!);
  if (netHeight === height && netWidth === width) return retold;
  if (typeof netHeight !== 'number' || typeof netWidth !== 'number') return withSize(graph, height, width);
  const renamed = retold.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === input.name ? ENLARGED : name)),
  }));
  const builder = new GraphBuilder({
    ...retold,
    inputs: withSize(graph, height, width).inputs,
    nodes: [],
    initializers: new Map(graph.initializers),
  });
  const scales = builder.initializer(
    builder.unique('enlargement'),
    floatTensor([4], [1, 1, netHeight / height, netWidth / width]),
  );
  const attributes = { mode: str('linear'), coordinate_transformation_mode: str('half_pixel') };
  builder.node('Resize', [input.name, '', scales], attributes, { name: ENLARGED });
  const { graph: enlarged } = builder;
  return { ...enlarged, nodes: [...enlarged.nodes, ...renamed] };
}

function withSize(graph: Graph, height: Dim, width: Dim): Graph {
  const [input, ...others] = graph.inputs as [Graph['inputs'][0], ...Graph['inputs']];
  return { ...graph, inputs: [{ ...input, dims: [...input.dims.slice(0, 2), height, width] }, ...others] };
}

/** @throws UserError if the net is made for images of its own size alone */
function checkSize(graph: Graph, from: string, size: number): void {
  try {
    inferShapes(graph);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `${from} does not take images of ${size} pixels: ${error.message}; leave out --net-size`,
    );
  }
}
