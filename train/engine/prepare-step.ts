import type { Dim, Graph } from '../../core/onnx/graph.ts';
import type { OptimizerConfig } from '../optim/config.ts';
import type { OrtPrecision } from '../precision.ts';
import { vectorLayout } from '../step/parameter-vector.ts';
import { buildStepGraph } from '../step/step-graph.ts';
import { detectBlockSize } from './block-size.ts';
import type { Provider } from './providers/providers.ts';
import { initialState, type TrainingState } from './state.ts';

export interface StepOptions {
  batchSize: number;
  optimizer: OptimizerConfig;
  /** Default cpu. */
  provider?: Provider;
  /** Default fp32. */
  precision?: OrtPrecision;
  /** Default train. */
  batchNorm?: 'train' | 'frozen' | undefined;
}

/** A training step, ready to be run. */
export interface PreparedStep {
  graph: Graph;
  /** Of a batch. */
  imageDims: number[];
  targetDims: number[];
  /** The model's own weights. */
  initial: TrainingState;
}

/**
 * Differentiates the model for an execution provider.
 * @throws UserError if the model has an operator that cannot be trained
 */
export async function prepareStep(model: Graph, options: StepOptions): Promise<PreparedStep> {
  const { batchSize, optimizer, provider = 'cpu', precision = 'fp32', batchNorm } = options;
  const layout = vectorLayout(model);
  // The CPU's blocked kernels are float32 only, and no other provider has any.
  const portable = provider !== 'cpu' || precision === 'fp16';
  const blockSize = portable ? 0 : await detectBlockSize();
  const withBatch = (dims: readonly Dim[]) => dims.map((dim) => (typeof dim === 'number' ? dim : batchSize));
  return {
    graph: buildStepGraph(model, layout, { batchSize, optimizer, blockSize, portable, precision, batchNorm }),
    imageDims: withBatch(model.inputs[0]!.dims),
    targetDims: withBatch(model.outputs[0]!.dims),
    initial: initialState(model, layout, optimizer),
  };
}
