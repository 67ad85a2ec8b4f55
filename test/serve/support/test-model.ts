import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageDataset } from '../../../core/data/dataset.ts';
import { type ClassifierMetadata, encodeMetadata } from '../../../core/model-metadata.ts';
import { initializeParameters } from '../../../core/models/initialize.ts';
import { buildModel } from '../../../core/models/zoo.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';

export const TEN_LABELS = Array.from({ length: 10 }, (_, i) => `class ${i}`);

/** A folder that goes away with the process, which is one test file's. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'serve-test-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a ResNet-20 with random weights as a model file. */
export async function writeTestModel(
  folder: string,
  dataset: Pick<ImageDataset, 'name' | 'labels' | 'normalization'> = {
    name: 'cifar100',
    labels: TEN_LABELS,
    normalization: { mean: [0.5, 0.4, 0.3], std: [0.3, 0.2, 0.25] },
  },
): Promise<{ path: string; metadata: ClassifierMetadata }> {
  const graph = buildModel('resnet20', { numClasses: dataset.labels.length });
  initializeParameters(graph, 7);
  const metadata: ClassifierMetadata = {
    model: 'resnet20',
    dataset: dataset.name,
    labels: dataset.labels,
    ...dataset.normalization,
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: 32,
    inputWidth: 32,
  };
  const path = join(folder, 'test.onnx');
  await writeFile(path, encodeModel(graph, encodeMetadata(metadata)));
  return { path, metadata };
}
