import { UserError } from '../errors.ts';
import type { Graph, GraphNode, TensorValue } from './graph.ts';
import { SHAPE_RULES } from './shapes/index.ts';
import { compatible, formatDims, ruleContext, type TensorShape } from './shapes/rule.ts';

export type { TensorShape } from './shapes/rule.ts';

/**
 * Works out the element type and dimensions of every value of a graph: its inputs, its initializers and each
 * output of each node. Named dimensions such as `batch` are kept through the graph; a size that cannot be
 * told before the run, e.g. a named one halved, gets a new name, `<value>_<axis>`.
 * @throws UserError naming the node, if its operator has no rule (see `shapes/`), or its inputs do not fit it
 *   or each other; or naming the graph output that is not what was declared
 */
export function inferShapes(graph: Graph): Map<string, TensorShape> {
  const { shapes, constants } = knownAtStart(graph);
  for (const node of graph.nodes) inferNode(node, shapes, constants);
  checkOutputs(graph, shapes);
  return shapes;
}

/**
 * Works out as many shapes as can be told: a node whose operator has no rule, whose inputs are not known or do
 * not fit leaves its outputs out, and what depends on them.
 * @param measured dimensions of values that are known from a run, and come before those by the rules
 */
export function inferKnownShapes(
  graph: Graph,
  measured: ReadonlyMap<string, number[]> = new Map(),
): Map<string, TensorShape> {
  const { shapes, constants } = knownAtStart(graph);
  for (const node of graph.nodes) {
    try {
      inferNode(node, shapes, constants);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
    for (const output of node.outputs) {
      const dims = measured.get(output);
      // A value without a rule is taken for a float; nothing is asked of such types but their sizes.
      if (dims) shapes.set(output, { dtype: shapes.get(output)?.dtype ?? 'float32', dims: [...dims] });
    }
  }
  return shapes;
}

function knownAtStart(graph: Graph): {
  shapes: Map<string, TensorShape>;
  constants: Map<string, TensorValue>;
} {
  const shapes = new Map<string, TensorShape>();
  for (const [name, { dtype, dims }] of graph.initializers) shapes.set(name, { dtype, dims: [...dims] });
  for (const { name, dtype, dims } of graph.inputs) shapes.set(name, { dtype, dims: [...dims] });
  return { shapes, constants: new Map(graph.initializers) };
}

/** Adds the shapes of a node's outputs, and its value if it is a constant. */
function inferNode(
  node: GraphNode,
  shapes: Map<string, TensorShape>,
  constants: Map<string, TensorValue>,
): void {
  const context = ruleContext(node, shapes, constants);
  const rule = node.domain === '' ? SHAPE_RULES.get(node.op) : undefined;
  if (!rule) {
    const domain = node.domain === '' ? '' : `${node.domain}.`;
    throw context.error(`the shapes of operator ${domain}${node.op} are not known`);
  }
  const results = rule(context);
  node.outputs.forEach((output, index) => {
    if (output === '') return;
    const result = results[index];
    if (!result) throw context.error(`it has an output ${index}, the operator gives ${results.length}`);
    shapes.set(output, { dtype: result.dtype, dims: [...result.dims] });
  });
  const value = node.op === 'Constant' ? node.attributes.value : undefined;
  if (value?.type === 'tensor') constants.set(node.outputs[0]!, value.value);
}

function checkOutputs(graph: Graph, shapes: ReadonlyMap<string, TensorShape>): void {
  for (const { name, dtype, dims } of graph.outputs) {
    const actual = shapes.get(name);
    if (!actual) throw new UserError(`graph output "${name}" is computed by no node`);
    const fits =
      actual.dtype === dtype &&
      actual.dims.length === dims.length &&
      actual.dims.every((dim, axis) => compatible(dim, dims[axis]!));
    if (!fits) {
      throw new UserError(
        `graph output "${name}" is declared as ${dtype} ${formatDims(dims)} ` +
          `and computed as ${actual.dtype} ${formatDims(actual.dims)}`,
      );
    }
  }
}
