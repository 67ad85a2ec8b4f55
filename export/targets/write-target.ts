import { join } from 'node:path';
import { stringify } from 'yaml';
import { cleanText } from '../../core/cli/printable.ts';
import { errorMessage, UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { whyNotInOpenVino } from '../../core/openvino/refusals.ts';
import { type ExportOptions, TARGET_BATCH, type Target } from '../options.ts';
import { formatTextProto } from './text-proto.ts';
import { tritonConfig } from './triton-config.ts';

export interface TargetOptions {
  /** Path of an .onnx file, exported or of another program. */
  model: string;
  /** The folder to write into; default `<model>-<target>` beside the model. */
  out?: string | undefined;
  /** For KServe: where the model repository will be; default a volume claim called `models`. */
  storageUri?: string | undefined;
  /** Most images Triton runs at once; default {@link TARGET_BATCH}, and 1 of a model that takes no more. */
  maxBatch?: number | undefined;
  /** For transformers.js: how the model was exported. */
  exported?: ExportOptions | undefined;
  /** For torchvision: the files of the weights as they were before the export. */
  files?: readonly (readonly [path: string, data: string | Uint8Array])[] | undefined;
  /** Called with a line on what is done otherwise than asked for. */
  onNote?: ((line: string) => void) | undefined;
  /** How long a request waits for others; default 1000 (a millisecond). */
  queueDelayMicroseconds?: number | undefined;
}

/** Triton calls versions by number; other versions in the folder stay. */
const VERSION = '1';
const LABELS = 'labels.txt';
const REPOSITORY = 'model-repository';
const STORAGE = /^(s3|gs|gcs|https?|pvc|hdfs|webhdfs|hf|oci|abfs|azure):\/\/\S+$/;

/**
 * Writes what another program needs to run a model: for `triton` a model repository, for `kserve` one and the
 * InferenceService that runs it, for `openvino` one that OpenVINO Model Server serves, for `transformers.js` a repository of the Hugging Face hub, for `torchvision` weights and the program that loads them. Files that are there already are replaced, one by one and whole.
 * @returns the files, the one to begin with last
 * @throws UserError if the model cannot be read, an option is none, the program would compute it wrongly, or a file cannot be written
 */
export async function writeTarget(target: Target, options: TargetOptions): Promise<string[]> {
  const { model, storageUri = `pvc://models/${REPOSITORY}` } = options;
  if (!STORAGE.test(storageUri)) {
    throw new UserError(
      `--storage-uri is an address such as s3://bucket/models or pvc://claim/path, not "${storageUri}"`,
    );
  }
  const out = options.out ?? `${model.replace(/\.onnx$/i, '')}-${target}`;
  const inOut = (files: NonNullable<TargetOptions['files']>) =>
    writeFiles(
      target,
      out,
      files.map(([path, data]) => [join(out, path), data] as const),
    );
  if (target === 'torchvision') {
    if (!options.files)
      throw new UserError('--target torchvision is for nets of the zoo; leave out --foreign');
    return inOut(options.files);
  }
  if (target === 'transformers.js') {
    const { transformersJs } = await import('./transformers-js.ts');
    const { files, notes } = await transformersJs(model, options.exported);
    for (const note of notes) options.onNote?.(note);
    return inOut(files);
  }
  const { bytes, graph, metadata } = await loadClassifier(model, { anyInterface: true });
  const name = metadata.model.replace(/[^\w.-]+/g, '_').replace(/^[.-]+/, '') || 'model';
  const labels = `${metadata.labels.map(cleanText).join('\n')}\n`;
  if (target === 'openvino') {
    const trouble = whyNotInOpenVino(graph);
    if (trouble !== undefined) throw new UserError(`${model} is not for OpenVINO: ${trouble}`);
    const preparation = preprocessingOf(metadata);
    return inOut([
      [join(name, VERSION, 'model.onnx'), bytes],
      [join(name, LABELS), labels],
      ...(preparation ? [[join(name, 'preprocessing.json'), json(preparation)] as const] : []),
      ['config.json', json(modelServerConfig(name))],
    ]);
  }
  const config = tritonConfig(graph, {
    name,
    classes: metadata.labels.length,
    labels: LABELS,
    maxBatch: options.maxBatch ?? TARGET_BATCH,
    oneByOne: metadata.oneByOne,
    queueDelayMicroseconds: options.queueDelayMicroseconds ?? 1000,
  });
  const folder = join(out, ...(target === 'kserve' ? [REPOSITORY] : []), name);
  const files: [string, string | Uint8Array][] = [
    [join(folder, VERSION, 'model.onnx'), bytes],
    [join(folder, LABELS), labels],
    [join(folder, 'config.pbtxt'), formatTextProto(config)],
  ];
  if (target === 'kserve') {
    const service = inferenceService({ name, storageUri, modelBytes: bytes.length });
    files.push([join(out, 'inference-service.yaml'), stringify(service)]);
  }
  return writeFiles(target, out, files);
}

async function writeFiles(
  target: Target,
  out: string,
  files: readonly (readonly [path: string, data: string | Uint8Array])[],
): Promise<string[]> {
  try {
    for (const [path, data] of files) await writeFileAtomic(path, data);
  } catch (error) {
    throw new UserError(`cannot write the ${target} files into ${out}: ${errorMessage(error)}`);
  }
  return files.map(([path]) => path);
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/**
 * OpenVINO Model Server's configuration (model_config_list), as its documentation has it: paths are relative to the file.
 * Without the hint it computes in bfloat16 where the processor can.
 */
function modelServerConfig(name: string) {
  const config = { name, base_path: name, plugin_config: { INFERENCE_PRECISION_HINT: 'f32' } };
  return { model_config_list: [{ config }] };
}

/** How clients prepare images, in the form that models of other programs have it beside them; undefined where the graph does. */
function preprocessingOf(metadata: ClassifierMetadata): object | undefined {
  const { mean, std, inputLayout: layout, colorSpace: color } = metadata;
  if (metadata.preprocessing === 'graph') return undefined;
  const size = [metadata.inputHeight, metadata.inputWidth];
  return { labels: LABELS, mean, std, size, layout, color, input: 'input', output: 'logits' };
}

interface InferenceServiceOptions {
  /** Name of the model; the service gets one that Kubernetes allows. */
  name: string;
  /** Where KServe fetches the model repository from: `s3://`, `gs://`, `https://`, `pvc://CLAIM/PATH`. */
  storageUri: string;
  /** Size of the model file, for how much memory to ask. */
  modelBytes: number;
}

const GIB = 2 ** 30;

/**
 * A KServe InferenceService (serving.kserve.io/v1beta1) that runs a model repository on KServe's Triton runtime
 * and answers the Open Inference Protocol, v2.
 */
function inferenceService({ name, storageUri, modelBytes }: InferenceServiceOptions) {
  // Triton itself, and onnxruntime's copies of the weights.
  const memory = `${2 + Math.ceil((4 * modelBytes) / GIB)}Gi`;
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: serviceName(name) },
    spec: {
      predictor: {
        minReplicas: 1,
        maxReplicas: 4,
        model: {
          modelFormat: { name: 'onnx' },
          protocolVersion: 'v2',
          runtime: 'kserve-tritonserver',
          storageUri,
          resources: { requests: { cpu: '1', memory }, limits: { cpu: '4', memory } },
        },
      },
    },
  };
}

/** A DNS-1035 label, which the service's address is made of: lower case letters, digits and hyphens. */
export function serviceName(name: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    // KServe adds "-predictor" and more to it, and 63 characters are allowed.
    .slice(0, 40)
    .replace(/-+$/, '');
  return /^[a-z]/.test(label) ? label : `model-${label}`.replace(/-+$/, '');
}
