import type { Rule } from '../rule.ts';

/** The gradient lies as the input did. */
const reshaped: Rule = { backward: (g, { x }, [dy]) => [g.reshape(dy!, x.dims)] };

/** Operators that move values, https://onnx.ai/onnx/operators */
export const LAYOUT: Readonly<Record<string, Rule>> = {
  Flatten: reshaped,
  Reshape: reshaped,
};
