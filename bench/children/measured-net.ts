import { readFile } from 'node:fs/promises';
import { errorMessage, UserError } from '../../core/errors.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel, MODEL_NAMES } from '../../core/models/zoo.ts';
import type { Graph } from '../../core/onnx/graph.ts';

/** A net to be measured. */
export interface NetName {
  /** In the zoo, or of `file` what timm calls it. */
  name: string;
  /** Height and width of its images; undefined: what it is usually fed with. */
  imageSize?: number;
  /** PyTorch's export of it, which is measured. */
  file?: string;
}

/**
 * Reads `NAME` or `NAME@PIXELS`, as in `efficientnet-lite0@64`, or `NAME=FILE.onnx`.
 * @throws UserError if the zoo has no such net
 */
export function parseNet(text: string): NetName {
  const [, exported, file] = /^([^=@]+)=(.+)$/.exec(text) ?? [];
  if (exported !== undefined) return { name: exported, file: file! };
  const [, name, pixels] = /^(.*?)(?:@(\d+))?$/.exec(text)!;
  if (!MODEL_NAMES.includes(name!)) {
    throw new UserError(
      `there is no model "${text}"; the zoo has ${MODEL_NAMES.join(', ')}; NAME@PIXELS is one at another image size, NAME=FILE.onnx PyTorch's export of another`,
    );
  }
  return pixels === undefined ? { name: name! } : { name: name!, imageSize: Number(pixels) };
}

/**
 * A net (see {@link parseNet}): of the zoo with its initial weights, for 100 classes, or of a file as it is trained.
 * @throws UserError if the file cannot be read
 */
export async function measuredNet(net: string): Promise<Graph> {
  const { name, imageSize, file } = parseNet(net);
  if (file !== undefined) {
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new UserError(`cannot read ${file}: ${errorMessage(error)}`);
    });
    // Of no use to the command's help.
    const [{ decodeModel }, { trainableModel }] = await Promise.all([
      import('../../core/onnx/model-file.ts'),
      import('../../train/trainable-model.ts'),
    ]);
    return trainableModel(decodeModel(bytes, file));
  }
  const model = buildModel(name, { numClasses: 100, imageSize });
  initializeParameters(model, 1);
  return model;
}
