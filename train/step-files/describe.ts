import type { Graph, ValueInfo } from '../../core/onnx/graph.ts';
import { placeOf } from '../checkpointing.ts';
import { type OptimizerConfig, stateSlots, updateScalars } from '../optim/config.ts';
import type { Segment, VectorLayout } from '../state.ts';

/** The files of a step graph, beside the run's own `config.json` and `last.safetensors`. */
export const STEP_FILES = {
  description: 'step-graph.json',
  gradient: 'gradient.onnx',
  update: 'update.onnx',
  scalars: 'scalars.safetensors',
} as const;

/** A graph as whoever runs it must feed it; all tensors are float32 of the sizes given. */
export interface DescribedGraph {
  file: string;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
}

/** A vector that goes from step to step: an input of the graphs, whose next value is the output `next_<name>`. */
export interface StateVector {
  name: string;
  /** Which of the layouts says what lies where in it. */
  layout: 'parameters' | 'buffers';
  /** In the state file, the tensors of the vector are named with this before the names of the layout. */
  prefix: string;
}

/** The content of step-graph.json: all that a program needs to train with the graphs. */
export interface StepDescription {
  format: 'onnx-classifier step graph';
  version: 1;
  /** Equal parts of a batch; one run of the gradient graph works through one. */
  shares: number;
  epochs: number;
  stepsPerEpoch: number;
  gradient: DescribedGraph;
  update: DescribedGraph;
  layouts: Record<StateVector['layout'], { size: number; tensors: Segment[] }>;
  state: { file: string; vectors: StateVector[] };
  /** Scalar inputs of the update graph; the file has a vector of each, with a value a step of the whole run. */
  scalars: { file: string; names: string[] };
}

export interface StepGraphs {
  gradient: Graph;
  update: Graph;
  layout: VectorLayout;
  optimizer: OptimizerConfig;
}

/** Describes the graphs and the state they work on. */
export function describeStep(
  { gradient, update, layout, optimizer }: StepGraphs,
  run: Pick<StepDescription, 'shares' | 'epochs' | 'stepsPerEpoch'>,
  stateFile: string,
): StepDescription {
  const slots = stateSlots(optimizer).map((name): StateVector => {
    const { prefix, segments } = placeOf(name, layout);
    return { name, layout: segments === layout.buffers ? 'buffers' : 'parameters', prefix };
  });
  return {
    format: 'onnx-classifier step graph',
    version: 1,
    ...run,
    gradient: describeGraph(STEP_FILES.gradient, gradient),
    update: describeGraph(STEP_FILES.update, update),
    layouts: {
      parameters: { size: layout.parameterSize, tensors: layout.parameters },
      buffers: { size: layout.bufferSize, tensors: layout.buffers },
    },
    state: {
      file: stateFile,
      vectors: [
        { name: 'parameters', layout: 'parameters', prefix: '' },
        { name: 'buffers', layout: 'buffers', prefix: '' },
        ...slots,
      ],
    },
    scalars: { file: STEP_FILES.scalars, names: Object.keys(updateScalars(optimizer, 0, 1)) },
  };
}

function describeGraph(file: string, { inputs, outputs }: Graph): DescribedGraph {
  return { file, inputs, outputs };
}
