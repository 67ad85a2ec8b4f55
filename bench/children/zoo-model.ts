import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import type { Graph } from '../../core/onnx/graph.ts';

/** A net of the zoo with its initial weights, for 32x32 images of 100 classes. */
export function zooModel(name: string): Graph {
  const model = buildModel(name, { numClasses: 100 });
  initializeParameters(model, 1);
  return model;
}
