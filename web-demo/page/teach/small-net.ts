import { initializeParameters } from '../../../core/models/initialize.ts';
import { buildResNet, type ResNetConfig } from '../../../core/models/resnet.ts';
import type { Graph } from '../../../core/onnx/graph.ts';

/** Small enough to learn a few classes from nothing within minutes in a browser. */
const SMALL_NET: ResNetConfig = {
  name: 'resnet8',
  block: 'basic',
  depths: [1, 1, 1],
  widths: [16, 32, 64],
  stemWidth: 16,
};

/** A ResNet of eight layers for 32x32 pictures, with random weights. */
export function buildSmallNet(classes: number, seed: number): Graph {
  const graph = buildResNet(SMALL_NET, { numClasses: classes });
  initializeParameters(graph, seed);
  return graph;
}
