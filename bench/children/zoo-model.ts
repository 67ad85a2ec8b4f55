import { UserError } from '../../core/errors.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel, MODEL_NAMES } from '../../core/models/zoo.ts';
import type { Graph } from '../../core/onnx/graph.ts';

/** A net to be measured. */
export interface NetName {
  /** In the zoo. */
  name: string;
  /** Height and width of its images; undefined: what it is usually fed with. */
  imageSize?: number;
}

/**
 * Reads `NAME` or `NAME@PIXELS`, as in `efficientnet-lite0@64`.
 * @throws UserError if the zoo has no such net
 */
export function parseNet(text: string): NetName {
  const [, name, pixels] = /^(.*?)(?:@(\d+))?$/.exec(text)!;
  if (!MODEL_NAMES.includes(name!)) {
    throw new UserError(
      `there is no model "${text}"; the zoo has ${MODEL_NAMES.join(', ')}; NAME@PIXELS is one at another image size`,
    );
  }
  return pixels === undefined ? { name: name! } : { name: name!, imageSize: Number(pixels) };
}

/** A net of the zoo (see {@link parseNet}) with its initial weights, for 100 classes. */
export function zooModel(net: string): Graph {
  const { name, imageSize } = parseNet(net);
  const model = buildModel(name, { numClasses: 100, imageSize });
  initializeParameters(model, 1);
  return model;
}
