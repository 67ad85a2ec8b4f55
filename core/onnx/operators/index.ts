import type { Graph, GraphNode } from '../graph.ts';
import { ATTENTION } from './attention.ts';
import { CONSTANTS } from './constants.ts';
import { CONVOLUTION } from './convolution.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { INDEXING } from './indexing.ts';
import { LAYOUT } from './layout.ts';
import { MATRIX } from './matrix.ts';
import { NORMALIZATION } from './normalization.ts';
import type { Operator, QuantizedOperator } from './operator.ts';
import { POOLING } from './pooling.ts';
import { QUANTIZATION } from './quantization.ts';
import { REDUCTION } from './reduction.ts';

/** All that is known of operators of ai.onnx, by their names; code may add its own. */
export const OPERATORS: Map<string, Operator> = new Map(
  Object.entries({
    ...ATTENTION,
    ...CONSTANTS,
    ...CONVOLUTION,
    ...ELEMENTWISE,
    ...INDEXING,
    ...LAYOUT,
    ...MATRIX,
    ...NORMALIZATION,
    ...POOLING,
    ...QUANTIZATION,
    ...REDUCTION,
  }),
);

/** What is known of a node's operator; undefined of those of other domains. */
export function operatorOf({ op, domain }: Pick<GraphNode, 'op' | 'domain'>): Operator | undefined {
  return domain === '' ? OPERATORS.get(op) : undefined;
}

/** The page of the ONNX specification on an operator of ai.onnx. */
export function specificationOf(op: string): string {
  return `https://onnx.ai/onnx/operators/onnx__${op}.html`;
}

/**
 * How a node is quantised, undefined if it stays in float32.
 * @param isFloat whether a value is float32, in graphs that may compute with others
 */
export function quantizedOperator(
  node: GraphNode,
  graph: Graph,
  isFloat: (name: string) => boolean = () => true,
): QuantizedOperator | undefined {
  const quantized = operatorOf(node)?.int8?.(node, graph);
  return quantized?.activations.every((index) => isFloat(node.inputs[index]!)) ? quantized : undefined;
}
