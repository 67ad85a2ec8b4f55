import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { loadDataset } from '../../core/data/load.ts';
import { type ClassifierMetadata, encodeMetadata } from '../../core/model-metadata.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { isSetUp } from '../../core/openvino/library.ts';
import { forImages } from '../../train/fine-tune/enlarge.ts';
import { exportedModel } from '../children/exported-model.ts';
import { measuredNet, parseNet } from '../children/measured-net.ts';
import { script } from '../contestants.ts';
import type { SuiteOptions } from '../suites.ts';
import { RawRuntime, type ServerProcess, startServerProcess } from './child.ts';
import { findFastApi } from './find-fastapi.ts';
import { chooseBatch, measureServe, type ServeComparison } from './measure.ts';

export interface ServeSuiteOptions extends SuiteOptions {
  /** `--python`; else `python3` is tried. */
  python: string | undefined;
}

/**
 * Our server, onnxruntime alone and other servers, on the same images and with the same load generator.
 * @returns the versions of the peers that were there
 */
export async function serveSuite(options: ServeSuiteOptions, found: ServeComparison[]): Promise<string[]> {
  const fastApi = await findFastApi(options.python);
  if ('missing' in fastApi) options.onProgress(fastApi.missing);
  const python = 'python' in fastApi ? fastApi.python : undefined;
  const dataset = await loadDataset({ dir: options.data, splits: ['test'] });
  const folder = await mkdtemp(join(tmpdir(), 'bench-serve-'));
  try {
    for (const model of options.models) {
      options.onProgress(`serving ${model}`);
      found.push(await compareServers(model, dataset, folder, python, options));
    }
    return 'version' in fastApi ? [fastApi.version] : [];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compareServers(
  model: string,
  dataset: ImageDataset,
  folder: string,
  python: string | undefined,
  options: SuiteOptions,
): Promise<ServeComparison> {
  const { path, metadata } = await writeModel(model, dataset, folder);
  const started: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(it: T): T => {
    started.push(it);
    return it;
  };
  const startScript = async (file: string, ...args: string[]): Promise<ServerProcess> => {
    const { command, args: first } = script(file);
    return keep(await startServerProcess(command, [...first, ...args]));
  };
  try {
    const threads = options.threads || availableParallelism();
    const raw = keep(await RawRuntime.start(path, threads, metadata.inputHeight, metadata.inputWidth));
    const batch = options.batchSize ?? (await chooseBatch(raw, options.secondsPerTurn));
    const startOurs = (...args: string[]) =>
      startScript(
        '../serve/serve.cli.ts',
        ...['--model', path, '--port', '0', '--log-level', 'error', ...args],
      );
    const ours = await startOurs();
    const peerArgs = [path, JSON.stringify(metadata.mean), JSON.stringify(metadata.std)];
    const peers: [string, ServerProcess][] = [
      ['Express + session.run', await startScript('./serve/peers/express-server.ts', ...peerArgs)],
    ];
    if (isSetUp()) peers.push(['ours with OpenVINO', await startOurs('--runtime', 'openvino')]);
    if (python !== undefined) {
      const file = fileURLToPath(new URL('./peers/fastapi_server.py', import.meta.url));
      peers.push(['FastAPI + onnxruntime', keep(await startServerProcess(python, [file, ...peerArgs]))]);
    }
    return await measureServe({ raw, ours, peers, dataset, metadata, batch }, options);
  } finally {
    for (const it of started) await it.stop();
  }
}

/** A net of the zoo as a model file of ours, which takes the dataset's images and enlarges them if it sees larger ones. */
async function writeModel(
  net: string,
  { height, width, normalization, name }: ImageDataset,
  folder: string,
): Promise<{ path: string; metadata: ClassifierMetadata }> {
  const { name: model } = parseNet(net);
  const graph = await exportedModel(forImages(await measuredNet(net), { height, width }), 'fp32', 1, 1);
  const classes = Number(graph.outputs[0]!.dims.at(-1));
  const metadata: ClassifierMetadata = {
    model,
    dataset: name,
    labels: Array.from({ length: classes }, (_, i) => `class ${i}`),
    ...normalization,
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: height,
    inputWidth: width,
  };
  const path = join(folder, `${model}.onnx`);
  await writeFile(path, encodeModel(graph, encodeMetadata(metadata)));
  return { path, metadata };
}
