import { join } from 'node:path';
import { errorMessage, UserError } from '../core/errors.ts';
import { loadClassifier } from '../core/foreign-model/load-classifier.ts';
import { writeFileAtomic } from '../core/fs/atomic-write.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';

export interface ForeignExport {
  path: string;
  bytes: number;
  metadata: ClassifierMetadata;
}

/**
 * Writes a classifier of another program as a model file of ours: in one file, with its preprocessing as
 * metadata, and the inputs and outputs that server, page and targets expect.
 * @param options.preprocessing its JSON file; default beside the model
 * @param options.out default `exports/<name>.onnx`
 * @throws UserError if it is no image classifier, does not say how to prepare images, or cannot be written
 */
export async function exportForeign(
  model: string,
  options: { preprocessing?: string | undefined; out?: string | undefined },
): Promise<ForeignExport> {
  const { bytes, metadata } = await loadClassifier(model, { preprocessing: options.preprocessing });
  const path = options.out ?? join('exports', `${metadata.model.replace(/[^\w.-]+/g, '_')}.onnx`);
  try {
    await writeFileAtomic(path, bytes);
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${errorMessage(error)}; give another file with --out`);
  }
  return { path, bytes: bytes.length, metadata };
}
