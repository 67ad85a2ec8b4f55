import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { ImageDataset, Normalization } from '../../core/data/dataset.ts';
import { readDatasetRecord } from '../../core/data/run-record.ts';
import { UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { modelInRepository } from '../../core/foreign-model/model-folder.ts';
import { DISK } from '../../core/fs/file-tree.ts';
import { embeddedModelPath, embeddedModels } from '../../core/models/embedded.ts';
import { PUBLISHED_NETS } from '../../core/models/zoo.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { OPSET_VERSION } from '../../core/onnx/opset.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpointWeights, withWeights } from '../../core/weights/checkpoint.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';
import { parseTrainConfig } from '../recipe/parse.ts';
import { modelOfRun } from '../run-model.ts';
import { trainableModel } from '../trainable-model.ts';
import { enlarges, forImages, seenAt, sizeSeen } from './enlarge.ts';
import { withClasses } from './head.ts';

/** Where models of names are looked for beside the embedded ones. */
const FETCHED = 'pretrained';

export interface StartOptions {
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
  /** That of its weights, if its file says so. */
  licence?: string;
  /** What its user should know, a line each. */
  notes: string[];
}

/**
 * Reads a model to go on from.
 * @param from a file (.onnx of anybody's, .pth or .safetensors of a net of the zoo), a run's directory, a folder as
 *   Hugging Face lays it out, or the name of a model
 * @param netSize height and width that a net of the zoo is built for, if its file is one of weights
 * @throws UserError if it cannot be read or is no classifier
 */
export async function openStart(from: string, netSize?: number): Promise<OpenedStart> {
  const path = await findModel(from, '--from');
  if (await isRepository(path)) return fromOnnx(path);
  if (existsSync(join(path, 'config.json'))) return fromRun(RunDirectory.open(path));
  return /\.onnx$/i.test(path) ? fromOnnx(path) : fromWeights(path, netSize);
}

/**
 * Makes a model ready to be trained on a dataset: with a new head where its classes are others, and with a Resize in
 * front where its images are of another size.
 * @throws UserError if its head is not known, or it does not take images of the size asked for
 */
export function startOn(
  loaded: OpenedStart,
  { head, netSize, seed }: StartOptions,
  dataset: Pick<ImageDataset, 'labels' | 'height' | 'width'>,
): StartModel {
  const notes = [...loaded.notes];
  const fitted = withClasses(loaded.graph, loaded.labels, dataset.labels, { named: head, seed });
  let { graph } = fitted;
  if (fitted.isNew) {
    const found = fitted.head;
    notes.push(
      `its head (${found.weight}, ${found.classes} classes) is replaced by one of ${dataset.labels.length}`,
    );
  }
  graph = { ...graph, name: loaded.name };
  if (netSize !== undefined) graph = seenAt(graph, netSize);
  graph = forImages(graph, dataset);
  if (enlarges(graph)) {
    const size = sizeSeen(graph);
    notes.push(`images of ${dataset.width}x${dataset.height} are resized to ${size}x${size} in the graph`);
  }
  const { normalization, licence } = loaded;
  return { graph, ...(normalization && { normalization }), ...(licence && { licence }), notes };
}

/** A model as its file has it. */
export interface OpenedStart extends StartModel {
  name: string;
  labels?: string[];
}

async function fromRun(run: RunDirectory): Promise<OpenedStart> {
  const json = await run.readConfig();
  const { labels, model } = parseTrainConfig(json, run.configPath);
  const { imageSize = 32, normalization } = readDatasetRecord(json, run.configPath);
  const best = run.checkpointPath('best');
  if (!existsSync(best))
    throw new UserError(`${run.path} has no best checkpoint yet: no epoch of it is done`);
  const { graph, licence } = await modelOfRun(run, model, { labels, height: imageSize });
  const { tensors } = await loadCheckpointWeights(best);
  return {
    ...{ graph: withWeights(graph, tensors, best), name: model, labels, notes: [] },
    ...(normalization && { normalization }),
    ...(licence && { licence }),
  };
}

/** Runs have a config.json too, and may hold an .onnx that `serve --run` made. */
async function isRepository(path: string): Promise<boolean> {
  const run = new RunDirectory(path);
  const isRun = [run.logPath, run.checkpointPath('last'), run.checkpointPath('best')].some(existsSync);
  return !isRun && (await modelInRepository(path, DISK)) !== undefined;
}

/**
 * Where a model is: a path stays as it is, a name is that of a fetched or an embedded model.
 * @throws UserError if there is none, which begins with the flag
 */
export async function findModel(name: string, flag: '--from' | '--teacher'): Promise<string> {
  if (existsSync(name)) return name;
  const fetched = join(FETCHED, `${name}.onnx`);
  if (existsSync(fetched)) return fetched;
  if (PUBLISHED_NETS.some((published) => published === name)) {
    throw new UserError(`${flag} ${name} is not fetched yet: npm run pretrained -- ${name}`);
  }
  const embedded = await embeddedModels();
  if (embedded.includes(name)) return embeddedModelPath(name);
  const names = embedded.length > 0 ? `, one of ${embedded.join(', ')}` : '';
  throw new UserError(
    `${flag} ${name}: there is no such file, nor a model of that name; give an .onnx, .pth or .safetensors${names}, or fetch one with npm run pretrained`,
  );
}

async function fromOnnx(path: string): Promise<OpenedStart> {
  const { graph: stored, metadata, notes } = await loadClassifier(path);
  const { mean, std, labels, licence } = metadata;
  if (metadata.oneByOne) {
    throw new UserError(
      `${path} takes one image at a time and cannot be trained in batches; export it with a dynamic batch`,
    );
  }
  if (metadata.precision === 'int8' || metadata.precision === 'fp16') {
    throw new UserError(`${path} is of ${metadata.precision}; training goes on from the float32 model`);
  }
  const graph = await trainableModel({ graph: stored, opset: stored.opset ?? OPSET_VERSION });
  return {
    ...{ graph, name: nameOf(path), labels, normalization: { mean, std }, notes: [...notes] },
    ...(licence && { licence }),
  };
}

async function fromWeights(path: string, imageSize: number | undefined): Promise<OpenedStart> {
  RunDirectory.refuseOwnNet(path, (run) => `give --from ${run}`);
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
    basename(resolve(path))
      .replace(/\.onnx$/i, '')
      .replace(/[^\w.-]+/g, '_') || 'model'
  );
}
