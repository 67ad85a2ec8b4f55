import { readFile, rename, writeFile } from 'node:fs/promises';
import { decodeMetadata, encodeMetadata } from '../../../core/model-metadata.ts';
import { initializeParameters } from '../../../core/models/initialize.ts';
import { buildModel } from '../../../core/models/zoo.ts';
import { decodeModel, encodeModel } from '../../../core/onnx/model-file.ts';

/** Writes a model as that at `from`, but with other weights and labels that begin with `prefix`, in one step. */
export async function writeVariant(from: string, to: string, seed: number, prefix: string): Promise<void> {
  const metadata = decodeMetadata(decodeModel(await readFile(from), from).metadata, from);
  const graph = buildModel('resnet20', { numClasses: metadata.labels.length });
  initializeParameters(graph, seed);
  const labels = metadata.labels.map((_, i) => `${prefix} ${i}`);
  await writeFile(`${to}.part`, encodeModel(graph, encodeMetadata({ ...metadata, labels })));
  await rename(`${to}.part`, to);
}
