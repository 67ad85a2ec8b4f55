import { rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fileDigest } from '../core/data/checksum.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import { type ClassifierMetadata, encodeMetadata } from '../core/model-metadata.ts';
import { countMacs } from '../core/onnx/count-macs.ts';
import { externalDataChunks, planExternalData } from '../core/onnx/external-data.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { encodeModelChunks, encodeMoreMetadata } from '../core/onnx/model-file.ts';
import { irVersionOf, OPSET_VERSION } from '../core/onnx/opset.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';
import { buildGraph } from './build-graph.ts';
import { modelCard } from './card/model-card.ts';
import { type CheckpointChoice, checkOptions, type ExportOptions, type ModelFacts } from './options.ts';
import {
  checkOutput,
  defaultOutput,
  type ExportResult,
  type OutputPaths,
  outputPaths,
} from './output/output-paths.ts';
import { Staging } from './output/staging.ts';
import type { QuantizeReport } from './quantize/options.ts';
import { runSource } from './sources/run-source.ts';
import type { ExportSource } from './sources/source.ts';
import { verificationImages } from './verify/images.ts';
import { verifyModel } from './verify/verify-model.ts';

/** The model before any pass, to verify against: with external data, which onnxruntime maps instead of copying. */
const ORIGINAL = 'original.onnx';

/** What is known of a model once it is written, and its weights are out of memory. */
interface WrittenModel extends ModelFacts {
  files: OutputPaths;
  external: boolean;
  quantization?: QuantizeReport | undefined;
}

/**
 * Exports a model as a file (see `core/model-metadata.ts`), with its labels and a model card beside it. The file
 * is verified against the original before it is put in place; the same weights give the same bytes. The weights
 * are in memory once: onnxruntime, in the verification, loads them from the files when they have left it.
 * @throws UserError if an option does not fit the model, the verification fails, or a file cannot be written;
 *   nothing is changed then
 */
export async function exportModel(
  source: ExportSource,
  { recorded = source.recorded, ...given }: ExportOptions = {},
): Promise<ExportResult> {
  const options = { ...given, recorded };
  checkOptions(source.metadata, options);
  const path = options.out ?? defaultOutput(source.metadata.model, options);
  const files = outputPaths(path);
  await checkOutput(files);
  const staging = await orCannotWrite(path, () => Staging.open(path));
  try {
    return await exportInto(staging, files, source, options);
  } finally {
    await staging.close();
  }
}

async function exportInto(
  staging: Staging,
  files: OutputPaths,
  source: ExportSource,
  options: ExportOptions,
): Promise<ExportResult> {
  const { opset = OPSET_VERSION } = options;
  const asked = exportedMetadata(source.metadata, options);
  const reference = await orCannotWrite(files.model, () => staging.nested('original'));
  const written = await write({ staging, reference, files, source, metadata: asked, options });
  collectGarbage();
  const { agreement, maxDifference } = await verifyModel({
    path: staging.path(files.model),
    bytes: await sizeOnDisk(staging, written),
    metadata: asked,
    reference: reference.path(ORIGINAL),
    images: await verificationImages(asked, written.macs!, options),
    batch: options.batch,
    target: files.model,
    onImages: (done, total) => options.onProgress?.('verify', done, total),
  });
  const metadata = asked.precision === 'fp32' ? asked : { ...asked, agreement };
  return orCannotWrite(files.model, async () => {
    if (metadata.agreement) {
      await staging.append(files.model, encodeMoreMetadata(moreMetadata(asked, metadata)));
    }
    const { parameters, macs, accuracy, quantization, external } = written;
    const result: ExportResult = {
      ...{ path: files.model, files: [], bytes: await sizeOnDisk(staging, written) },
      ...{ opset, irVersion: irVersionOf(opset), parameters, macs, accuracy },
      ...{ maxDifference, metadata, agreement, quantization },
      keepsBatchNorm: options.keepBatchNorm ?? false,
    };
    const sha256 = await fileDigest(staging.path(files.model), 'sha256');
    const card = modelCard(result, {
      sha256,
      external,
      trainedHere: source.trainedHere,
      licence: options.licence ?? metadata.licence,
    });
    await staging.write(files.labels, [Buffer.from(labelLines(metadata.labels))]);
    await staging.write(files.card, [Buffer.from(card)]);
    result.files = [
      ...(external ? [files.data] : []),
      ...[files.labels, files.card],
      // Last: it is the one that others look for.
      files.model,
    ];
    await staging.commit(result.files);
    // Of an earlier export, and now of no use.
    if (!external) await rm(files.data, { force: true });
    return result;
  });
}

/** Holds the weights, and nobody does when it is done. */
async function write(to: {
  staging: Staging;
  reference: Staging;
  files: OutputPaths;
  source: ExportSource;
  metadata: ClassifierMetadata;
  options: ExportOptions;
}): Promise<WrittenModel> {
  const { staging, reference, files, source, metadata, options } = to;
  const trained = source.takeGraph();
  // The file that the weights were read from, and the like.
  collectGarbage();
  const facts: ModelFacts = {
    parameters: source.parameters,
    macs: countMacs(trained),
    accuracy: metadata.accuracy,
  };
  await orCannotWrite(files.model, () =>
    writeModel(reference, ORIGINAL, trained, {}, { data: `${ORIGINAL}.data` }),
  );
  const { graph, quantization } = await buildGraph(trained, metadata, options);
  const external = options.externalData === true || needsExternalData(graph);
  await orCannotWrite(files.model, () =>
    writeModel(staging, files.model, graph, encodeMetadata(metadata), {
      opset: options.opset,
      data: external ? files.data : undefined,
    }),
  );
  return { ...facts, files, external, quantization };
}

export function exportedMetadata(metadata: ClassifierMetadata, options: ExportOptions): ClassifierMetadata {
  const { precision = 'fp32', preprocess = false, layout = 'nchw' } = options;
  return {
    ...metadata,
    inputLayout: preprocess || layout === 'nhwc' ? 'NHWC' : 'NCHW',
    preprocessing: preprocess ? 'graph' : 'client',
    precision,
  };
}

export function moreMetadata(before: ClassifierMetadata, after: ClassifierMetadata): Record<string, string> {
  const known = encodeMetadata(before);
  return Object.fromEntries(Object.entries(encodeMetadata(after)).filter(([key]) => !(key in known)));
}

async function sizeOnDisk(staging: Staging, { files, external }: WrittenModel): Promise<number> {
  const paths = external ? [files.model, files.data] : [files.model];
  const sizes = await Promise.all(paths.map(async (path) => (await stat(staging.path(path))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A name a line; a line feed in a name would make two of it. */
export function labelLines(labels: readonly string[]): string {
  return labels.map((label) => `${label.replace(/[\r\n]+/g, ' ')}\n`).join('');
}

export async function orCannotWrite<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot write ${path}: ${errorMessage(error)}; give another file with --out`);
  }
}

let collect: (() => void) | undefined;

/**
 * Frees what nothing refers to any more, now: before onnxruntime takes as much memory again as a model's weights
 * had. Left alone, Node may keep them until long after.
 */
function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}

/** Protocol buffers end at 2 GiB; the rest is for graph and metadata, and for more metadata later on. */
const MAX_TENSOR_BYTES = 2 ** 31 - 2 ** 26;

/** Whether a model is too large for one file. */
function needsExternalData(graph: Graph): boolean {
  let bytes = 0;
  for (const { data } of graph.initializers.values()) bytes += data.byteLength;
  return bytes > MAX_TENSOR_BYTES;
}

interface WriteModelOptions {
  opset?: number | undefined;
  /** Path of the file that is to hold the weights; left out: the model holds them. */
  data?: string | undefined;
}

/** Writes a model into a staging folder; its weights go from memory to the file as they are. */
async function writeModel(
  staging: Staging,
  path: string,
  graph: Graph,
  metadata: Readonly<Record<string, string>>,
  { opset, data }: WriteModelOptions = {},
): Promise<void> {
  const external = data === undefined ? undefined : planExternalData(graph, basename(data));
  if (data !== undefined && external) await staging.write(data, externalDataChunks(graph, external));
  await staging.write(path, encodeModelChunks(graph, metadata, { opset, external }).chunks);
}

export { defaultOutput } from './output/output-paths.ts';
export type { ExportResult };

export interface ExportRunOptions extends ExportOptions {
  /** The training run whose weights are exported. */
  run: RunDirectory;
  /** Default `best`. */
  checkpoint?: CheckpointChoice;
}

/** Exports the model that a run trained; see {@link exportModel}. */
export async function exportRun({
  run,
  checkpoint = 'best',
  ...options
}: ExportRunOptions): Promise<ExportResult> {
  return exportModel(await runSource(run, checkpoint, options.data), options);
}
