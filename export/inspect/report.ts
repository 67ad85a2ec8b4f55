import type { DataType, Dim, ValueInfo } from '../../core/onnx/graph.ts';
import type { WeightStatistics } from './weight-statistics.ts';

/** A node of the graph; constants are left out. */
export interface LayerReport {
  name: string;
  op: string;
  /** Dimensions of its first output for the batch tried; null if not known. */
  shape: Dim[] | null;
  /** Values it learned. */
  parameters: number;
  /** Multiply-accumulates for the batch; null if its operator's are not known. */
  macs: number | null;
  /** Time of one run, without fusion with other nodes; null if it was not run. */
  milliseconds: number | null;
}

export interface WeightReport extends WeightStatistics {
  name: string;
  dtype: DataType;
  dims: number[];
}

/** What `npm run inspect` tells of a model; `--json` prints it as it is. */
export interface InspectReport {
  source: string;
  /** Size of the model, with data that the file keeps elsewhere. */
  bytes: number;
  irVersion: number;
  opsets: Record<string, number>;
  producer: string;
  metadata: Record<string, string>;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  /** Those that are no tensors. */
  otherOutputs: { name: string; type: string }[];
  /** What outputs of floats hold as far as the graph says it: `logits`, `probabilities`, ... or `unknown`. */
  scores: { name: string; scores: string }[];
  /** The batch size tried; 1 image at a time for a model that takes no other. */
  batch: number;
  /** The inputs with the sizes tried for those they leave open. */
  triedInputs: ValueInfo[];
  /** How many nodes there are of each operator. */
  operators: Record<string, number>;
  parameters: number;
  initializerBytes: number;
  /** Multiply-accumulates for one image, of the operators they are known of. */
  macs: number;
  /** Operators whose multiply-accumulates are not in `macs`. */
  notCounted: string[];
  layers: LayerReport[];
  weights: WeightReport[];
  /** Time of one run by operator, as onnxruntime runs the graph after its optimisations. */
  timeByOperator: { op: string; nodes: number; milliseconds: number }[];
  /** Why there are no times, and shapes by our rules only. */
  problem: string | null;
}
