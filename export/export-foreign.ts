import { rm } from 'node:fs/promises';
import { fileDigest } from '../core/data/checksum.ts';
import { UserError } from '../core/errors.ts';
import { type LoadedClassifier, loadClassifier } from '../core/foreign-model/load-classifier.ts';
import { withInterface } from '../core/foreign-model/with-interface.ts';
import { type ClassifierMetadata, encodeMetadata } from '../core/model-metadata.ts';
import { countMacs } from '../core/onnx/count-macs.ts';
import { externalize } from '../core/onnx/externalize.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { encodeModel, encodeMoreMetadata } from '../core/onnx/model-file.ts';
import { parseModel } from '../core/onnx/parse-model.ts';
import { fixBatch } from '../core/onnx/passes/fix-batch.ts';
import { foldBatchNorm } from '../core/onnx/passes/fold-batch-norm.ts';
import { hoistConstants } from '../core/onnx/passes/hoist-constants.ts';
import { convertMostToFloat16 } from '../core/onnx/passes/mixed-float16.ts';
import { evaluationBatches } from '../core/preprocess/evaluation-batches.ts';
import { DEFAULT_TOP_K } from './build-graph.ts';
import { modelCard } from './card/model-card.ts';
import { exportedMetadata, labelLines, moreMetadata, orCannotWrite } from './export-model.ts';
import { checkOptions, type ExportOptions } from './options.ts';
import { checkOutput, defaultOutput, type ExportResult, outputPaths } from './output/output-paths.ts';
import { Staging } from './output/staging.ts';
import type { ImageSet } from './pictures.ts';
import { picturesFor } from './pictures.ts';
import { DEFAULT_CALIBRATION_IMAGES, type QuantizeReport } from './quantize/options.ts';
import { quantizeModel } from './quantize/quantize-model.ts';
import { randomImages } from './verify/images.ts';
import { TOLERANCE, verifyModel } from './verify/verify-model.ts';

export interface ForeignExport extends ExportResult {
  /** What its user should know of it, a line each. */
  notes: string[];
}

export interface ForeignExportOptions extends ExportOptions {
  /** Its JSON file; default beside the model. */
  preprocessing?: string | undefined;
  /** The largest batch to try, with 1 and 2; default {@link LARGEST_BATCH}. */
  largestBatch?: number | undefined;
}

/** As many as the server runs at once unless told otherwise. */
const LARGEST_BATCH = 32;
/** On how many images lower precisions are compared with the original. */
const COMPARED = 100;
/** Of a model that rounds inside, its results on other batches or processors differ by this much. */
const ROUNDING_TOLERANCE = 0.05;
const ORIGINAL = 'original.onnx';

/**
 * Writes a classifier of another program as a model file of ours, with the inputs, outputs and precision asked for,
 * its preprocessing as metadata, labels and a model card beside it. Before it is put in place it is run against the
 * original, at batch 1, 2 and the largest.
 * @throws UserError if it is no image classifier, does not say how to prepare images, cannot be made what the options
 *   say, gives other scores then, or cannot be written; nothing is changed then
 */
export async function exportForeign(model: string, options: ForeignExportOptions): Promise<ForeignExport> {
  const classifier = await loadClassifier(model, { preprocessing: options.preprocessing });
  const { metadata, notes } = classifier;
  const facts = formatOf(classifier.bytes, model);
  checkForeignOptions(metadata, options, facts, model);
  const name = metadata.model.replace(/[^\w.-]+/g, '_').replace(/^[.-]+/, '') || 'model';
  const files = outputPaths(options.out ?? defaultOutput(name, options));
  await checkOutput(files);
  const asked = exportedMetadata(metadata, options);
  const core = coreOf(classifier.graph, metadata);
  const { bytes: precise, quantization } = await inPrecision(classifier, asked, facts, options, model);
  const bytes = withInterface(
    precise,
    asked,
    {
      batch: options.batch,
      topK: options.topK ?? Math.min(DEFAULT_TOP_K, metadata.labels.length),
    },
    model,
  );
  const staging = await orCannotWrite(files.model, () => Staging.open(files.model));
  try {
    const external = options.externalData === true;
    const reference = await orCannotWrite(files.model, () => staging.nested('original'));
    await orCannotWrite(files.model, async () => {
      await reference.write(ORIGINAL, [classifier.bytes]);
      const { model: file, data } = external
        ? externalize(bytes, files.data.split(/[\\/]/).at(-1)!, model)
        : { model: bytes, data: [] };
      await staging.write(files.model, [file]);
      if (external) await staging.write(files.data, data);
    });
    const { images, batches } = await comparedImages(asked, options);
    const { agreement, maxDifference } = await verifyModel({
      path: staging.path(files.model),
      bytes: bytes.length,
      metadata: asked,
      reference: reference.path(ORIGINAL),
      images,
      batch: options.batch,
      target: files.model,
      foreign: { batches, tolerance: toleranceOf(asked, classifier.graph) },
      onImages: (done, total) => options.onProgress?.('verify', done, total),
    });
    const final = asked.precision === 'fp32' ? asked : { ...asked, agreement };
    return await orCannotWrite(files.model, async () => {
      if (final.agreement) {
        await staging.append(files.model, encodeMoreMetadata(moreMetadata(asked, final)));
      }
      const result: ForeignExport = {
        ...{
          path: files.model,
          files: [],
          bytes: bytes.length,
          opset: facts.opset,
          irVersion: facts.irVersion,
        },
        ...{ parameters: weightCount(core), macs: macsOf(core), accuracy: final.accuracy },
        ...{ maxDifference, metadata: final, agreement, quantization, notes },
      };
      const sha256 = await fileDigest(staging.path(files.model), 'sha256');
      const card = modelCard(result, { sha256, external, trainedHere: false, licence: options.licence });
      await staging.write(files.labels, [Buffer.from(labelLines(final.labels))]);
      await staging.write(files.card, [Buffer.from(card)]);
      result.files = [...(external ? [files.data] : []), files.labels, files.card, files.model];
      await staging.commit(result.files);
      if (!external) await rm(files.data, { force: true });
      return result;
    });
  } finally {
    await staging.close();
  }
}

interface Format {
  opset: number;
  irVersion: number;
  domains: Record<string, number>;
}

function formatOf(bytes: Uint8Array, source: string): Format {
  const { opsetImport, irVersion } = parseModel(bytes, source);
  const versions = Object.fromEntries(
    opsetImport.map(({ domain, version }) => [domain || 'ai.onnx', Number(version)]),
  );
  const { 'ai.onnx': opset = 1, ...domains } = versions;
  return { opset, irVersion: Number(irVersion), domains };
}

/** Per-channel weights, and padding of bytes, are of this operator set. */
const INT8_OPSET = 13;

function checkForeignOptions(
  metadata: ClassifierMetadata,
  { opset, ...options }: ForeignExportOptions,
  own: Format,
  source: string,
): void {
  if (opset !== undefined && opset !== own.opset) {
    throw new UserError(
      `--opset ${opset}: ${source} is of opset ${own.opset}, and models of other programs are not converted; leave it ` +
        'out, or convert it with onnx.version_converter first',
    );
  }
  if (options.precision === 'int8' && own.opset < INT8_OPSET) {
    throw new UserError(
      `--precision int8 needs opset ${INT8_OPSET}, ${source} is of ${own.opset}; convert it with onnx.version_converter ` +
        'first',
    );
  }
  checkOptions(metadata, options);
}

/** The graph that computes scores from an image: the body, where images go through one by one. */
function coreOf(graph: Graph, { oneByOne }: ClassifierMetadata): Graph {
  return (oneByOne && bodyOf(graph)) || graph;
}

function bodyOf(graph: Graph): Graph | undefined {
  const body = graph.nodes.find(({ op }) => op === 'Scan')?.attributes.body;
  return body?.type === 'graph' ? body.value : undefined;
}

/** A graph whose core is another; see {@link coreOf}. */
function withCore(graph: Graph, core: Graph, { oneByOne }: ClassifierMetadata): Graph {
  if (!oneByOne || !bodyOf(graph)) return core;
  return {
    ...graph,
    nodes: graph.nodes.map((node) =>
      node.op === 'Scan' && node.attributes.body?.type === 'graph'
        ? { ...node, attributes: { ...node.attributes, body: { type: 'graph' as const, value: core } } }
        : node,
    ),
  };
}

async function inPrecision(
  { bytes, graph, metadata }: LoadedClassifier,
  asked: ClassifierMetadata,
  { opset, domains }: Format,
  options: ForeignExportOptions,
  source: string,
): Promise<{ bytes: Uint8Array; quantization?: QuantizeReport }> {
  const { precision = 'fp32' } = asked;
  if (precision === 'fp32') return { bytes };
  const core = foldBatchNorm(hoistConstants(coreOf(graph, metadata)));
  const encode = { opset, domains };
  const refuse = (why: string): UserError => new UserError(`--precision ${precision}: ${why}`);
  if (isQuantized(graph)) throw refuse(`${source} is quantised already; leave it out`);
  const rewritten = (changed: Graph): Uint8Array =>
    encodeModel(withCore(graph, changed, metadata), encodeMetadata(metadata), encode);
  if (precision === 'fp16') {
    const { graph: half, converted } = convertMostToFloat16(core);
    if (converted === 0) throw refuse(`nothing in ${source} is float32 that could be float16; leave it out`);
    return { bytes: rewritten(half) };
  }
  const { images = DEFAULT_CALIBRATION_IMAGES, method } = options.calibration ?? {};
  const set = await picturesFor(metadata, 'train', images, options);
  if (!set) {
    throw refuse(
      `it is calibrated on pictures such as ${source} is for; give --data DIR with some hundred of them`,
    );
  }
  const split = { count: set.count, images: set.pixels, labels: set.labels ?? new Uint16Array(set.count) };
  const { graph: quantized, report } = await quantizeModel(core, {
    batches: () => evaluationBatches(split, metadata, 1),
    method,
    reduceRange: options.reduceRange,
    foreign: { encode, oneImage: core.inputs[0]!.dims.length === 3 },
    onProgress: (done, pass, passes) =>
      options.onProgress?.('calibrate', (pass - 1) * set.count + done, passes * set.count),
  });
  if (Object.keys(report.quantized).length === 0) {
    throw refuse(`${source} has no convolution or matrix product with float32 weights; leave it out`);
  }
  return { bytes: rewritten(quantized), quantization: report };
}

function isQuantized(graph: Graph): boolean {
  return graph.nodes.some(
    ({ op, attributes }) =>
      /^(QuantizeLinear|DequantizeLinear|DynamicQuantize|QLinear|QGemm|MatMulInteger|ConvInteger|MatMulNBits)/.test(
        op,
      ) ||
      Object.values(attributes).some(
        (attribute) => attribute.type === 'graph' && isQuantized(attribute.value),
      ),
  );
}

/** Images to compare on, and how they are put together for the exported model. */
async function comparedImages(
  metadata: ClassifierMetadata,
  { batch, largestBatch = LARGEST_BATCH, verifyImages, precision = 'fp32', ...place }: ForeignExportOptions,
): Promise<{ images: ImageSet; batches: number[] }> {
  const smallest = batch ?? 1 + 2 + largestBatch;
  const wanted = Math.max(smallest, verifyImages ?? (precision === 'fp32' ? 0 : COMPARED));
  const count = batch === undefined ? wanted : Math.ceil(wanted / batch) * batch;
  const images = repeated(
    (await picturesFor(metadata, 'test', count, place)) ?? randomImages(count, metadata),
    count,
  );
  const batches = batch === undefined ? [1, 2] : [];
  for (let left = count - batches.reduce((sum, size) => sum + size, 0); left > 0; left -= batches.at(-1)!) {
    batches.push(Math.min(left, batch ?? largestBatch));
  }
  return { images, batches };
}

/** As many images as are wanted, the first ones again where there are fewer. */
function repeated(set: ImageSet, count: number): ImageSet {
  if (set.count >= count) return set;
  const size = set.pixels.length / set.count;
  const pixels = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    const at = i % set.count;
    pixels.set(set.pixels.subarray(at * size, (at + 1) * size), i * size);
  }
  const { labels } = set;
  return {
    on: set.on,
    count,
    distinct: set.count,
    pixels,
    ...(labels ? { labels: Uint16Array.from({ length: count }, (_, i) => labels[i % set.count]!) } : {}),
  };
}

function toleranceOf({ precision = 'fp32' }: ClassifierMetadata, graph: Graph): number {
  if (precision !== 'fp32') return TOLERANCE[precision];
  const hasHalves = [...graph.initializers.values()].some(
    ({ dtype }) => dtype === 'float16' || dtype === 'bfloat16',
  );
  return isQuantized(graph) || hasHalves ? ROUNDING_TOLERANCE : TOLERANCE.fp32;
}

/** Values that it learned, as far as a file tells: those of its larger tensors. */
function weightCount(graph: Graph): number {
  const bodies = graph.nodes.flatMap(({ attributes }) =>
    Object.values(attributes).flatMap((attribute) => (attribute.type === 'graph' ? attribute.value : [])),
  );
  const own = [...hoistConstants(graph).initializers.values()]
    .filter(
      ({ dtype, dims }) => dims.length > 0 && dtype !== 'int64' && dtype !== 'bool' && dtype !== 'string',
    )
    .reduce((sum, { data }) => sum + data.length, 0);
  return bodies.reduce((sum, body) => sum + weightCount(body), own);
}

function macsOf(graph: Graph): number | undefined {
  try {
    return countMacs(fixBatch(graph, 1));
  } catch {
    return undefined;
  }
}
