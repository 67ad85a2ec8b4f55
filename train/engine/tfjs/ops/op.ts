import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { GraphNode } from '../../../../core/onnx/graph.ts';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import type { TfjsPrecision } from '../../../precision.ts';
import type { ElementType } from '../bfloat16/element-type.ts';
import type { Value } from '../value.ts';

/** One node of an ONNX graph as it is interpreted. */
export interface OpCall {
  tf: TensorFlow;
  /** What convolutions and what is between them compute in. */
  precision: TfjsPrecision;
  node: GraphNode;
  /** An input, as float32. */
  input(index: number): Value;
  /** An input, as float32 or bfloat16, as it comes. */
  unwidened(index: number): Value;
  /** The type that the gradient of `unwidened` is handed on in; autodiff adds up float32 only. */
  gradientType(index: number): ElementType;
  /** An input that a node may leave out. */
  optional(index: number): Value | undefined;
  /** An input in the graph's own layout. */
  plain(index: number): Tensor;
  /** An input that is a constant of whole numbers, such as a shape. */
  integers(index: number): number[];
  /** Whether an input depends on what is trained, so that its gradient is wanted. */
  trained(index: number): boolean;
  /** Tells what a batch showed of a running statistic, by the initializer's name. */
  observe(name: string, tensor: Tensor): void;
}

/**
 * An ONNX operator in TensorFlow.js, as it acts in training. It is made of differentiable functions, so its
 * gradient is tfjs's business.
 */
export type TfjsOp = (call: OpCall) => Value | Value[];
