import { UserError } from '../errors.ts';
import type { DataType, Dim, Graph, GraphNode } from './graph.ts';
import { constantValue } from './operators/constants.ts';
import { operatorOf, specificationOf } from './operators/index.ts';
import {
  compatible,
  formatDims,
  type KnownValues,
  MOST_INTS,
  product,
  shapeContext,
  type TensorShape,
} from './operators/operator.ts';

export type { TensorShape } from './operators/operator.ts';

/**
 * Works out the element type and dimensions of every value of a graph: its inputs, its initializers and each
 * output of each node. Named dimensions such as `batch` are kept through the graph, through what is computed with
 * sizes as well; a size that cannot be told before the run, e.g. a named one halved, gets a new name,
 * `<value>_<axis>`.
 * @throws UserError naming the node, if its operator has no rule (see `operators/`), or its inputs do not fit it
 *   or each other; or naming the graph output that is not what was declared
 */
export function inferShapes(graph: Graph): Map<string, TensorShape> {
  const known = knownAtStart(graph);
  for (const node of graph.nodes) inferNode(node, known);
  checkOutputs(graph, known.shapes);
  return known.shapes;
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
  return inferKnownValues(graph, measured).shapes;
}

/** The same, with the whole numbers that are known beside. */
export function inferKnownValues(
  graph: Graph,
  measured: ReadonlyMap<string, number[]> = new Map(),
): KnownValues {
  const known = knownAtStart(graph);
  for (const node of graph.nodes) {
    try {
      inferNode(node, known);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
    for (const output of node.outputs) {
      const dims = measured.get(output);
      // A value without a rule is taken for a float; nothing is asked of such types but their sizes.
      if (dims)
        known.shapes.set(output, { dtype: known.shapes.get(output)?.dtype ?? 'float32', dims: [...dims] });
    }
  }
  return known;
}

/** The element types of all values that can be told, whatever their shapes. */
export function inferTypes(graph: Graph): Map<string, DataType> {
  const types = new Map<string, DataType>();
  for (const { name, dtype } of graph.inputs) types.set(name, dtype);
  for (const [name, { dtype }] of graph.initializers) types.set(name, dtype);
  for (const node of graph.nodes) {
    typesOf(node, (index) => types.get(node.inputs[index] ?? '')).forEach((dtype, index) => {
      if (dtype) types.set(node.outputs[index]!, dtype);
    });
  }
  return types;
}

/** The types of a node's outputs, as far as they are known. */
function typesOf(node: GraphNode, type: (index: number) => DataType | undefined): (DataType | undefined)[] {
  const operator = operatorOf(node);
  if (!operator) return [];
  const types = operator.types?.({ node, type });
  return node.outputs.map((_, index) => (types ? types[index] : type(0)));
}

function knownAtStart(graph: Graph): KnownValues {
  const shapes = new Map<string, TensorShape>();
  for (const [name, { dtype, dims }] of graph.initializers) shapes.set(name, { dtype, dims: [...dims] });
  for (const { name, dtype, dims } of graph.inputs) shapes.set(name, { dtype, dims: [...dims] });
  return { shapes, constants: new Map(graph.initializers), ints: new Map() };
}

/** Whole numbers as a value holds them; undefined if they are not all of its numbers, too many, or none for its type. */
function held(ints: Dim[] | undefined, { dtype, dims }: TensorShape): Dim[] | undefined {
  if (!ints || ints.length > MOST_INTS || product(dims) !== ints.length) return undefined;
  if (dtype === 'bool') return ints.map((value) => (value === 0 ? 0 : 1));
  const most = dtype === 'int64' ? Number.POSITIVE_INFINITY : dtype === 'int32' ? 2 ** 31 : 0;
  return ints.every((value) => typeof value === 'string' || (value < most && value >= -most))
    ? ints
    : undefined;
}

/** Adds the shapes of a node's outputs, and its value if it is a constant or computed of sizes. */
function inferNode(node: GraphNode, known: KnownValues): void {
  const context = shapeContext(node, known);
  const operator = operatorOf(node);
  if (!operator) {
    const domain = node.domain === '' ? '' : `${node.domain}.`;
    throw context.error(`the shapes of operator ${domain}${node.op} are not known`);
  }
  const foreign = Object.keys(node.attributes).find((name) => !operator.attributes.includes(name));
  if (foreign !== undefined)
    throw context.error(`its attribute "${foreign}" is not supported, see ${specificationOf(node.op)}`);
  const results = operator.shape(context);
  const types = typesOf(node, (index) => context.optional(index)?.dtype);
  node.outputs.forEach((output, index) => {
    if (output === '') return;
    const dims = results[index];
    if (!dims) throw context.error(`it has an output ${index}, the operator gives ${results.length}`);
    const dtype = types[index];
    if (!dtype) throw context.error(`the type of its output ${index} is not known`);
    known.shapes.set(output, { dtype, dims: [...dims] });
  });
  const [output = ''] = node.outputs;
  const value = constantValue(node);
  if (value) known.constants.set(output, value);
  else if (operator.ints && output !== '') {
    const ints = held(operator.ints(context), known.shapes.get(output)!);
    if (ints) known.ints.set(output, ints);
  }
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
