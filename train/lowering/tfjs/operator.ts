import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { GraphNode } from '../../../core/onnx/graph.ts';
import type { TfjsPrecision } from '../../precision.ts';
import type { ElementType, Kernels } from './kernels.ts';
import type { Value } from './value.ts';

/** One node of a graph as it is interpreted. */
export interface OperatorCall {
  k: Kernels;
  node: GraphNode;
  /** What convolutions and large matrix products compute in. */
  precision: TfjsPrecision;
  /** Set if output 0 is the gradient of a value: the type that it is handed on in. */
  gradientType: ElementType | undefined;
  /** The inputs as they come, perhaps in bfloat16; undefined where one is left out. */
  inputs: (Value | undefined)[];
  /** An input that must be there; bfloat16 is widened to float32. */
  input(index: number): Value;
  /** Such an input in the graph's own layout. */
  plain(index: number): Tensor;
  /** The numbers of an input, such as a shape; undefined if it is left out. */
  numbers(index: number): number[] | undefined;
}

/**
 * How TensorFlow computes an operator.
 * @returns its outputs; undefined where the node leaves one out. What else it makes is freed when it returns.
 */
export type TfjsOperator = (call: OperatorCall) => Value | (Value | undefined)[];
