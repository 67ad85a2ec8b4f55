import { type Graph, type GraphNode, int } from '../../../core/onnx/graph.ts';

/**
 * A graph that runs a step graph several times in one call, so that the state goes in and comes out once
 * (ONNX's Scan). Inputs and outputs are the step's, with the state's as they were; all others (`images`,
 * `targets`, the scalars, `loss`, `logits`) have the number of steps, which each call decides, as a new first
 * axis.
 */
export function loopSteps(step: Graph): Graph {
  const isNext = (name: string) => name.startsWith('next_');
  const states = step.outputs
    .filter(({ name }) => isNext(name))
    .map(({ name }) => name.slice('next_'.length));
  const isState = (name: string) => states.includes(name);
  const body = prefixed(step, 'step.');
  // A Scan's carried values are first among its inputs and outputs, in the same order.
  const byName = (name: string) => step.inputs.find((input) => input.name === name)!;
  const inputs = [...states.map(byName), ...step.inputs.filter(({ name }) => !isState(name))];
  const outputs = [
    ...states.map((name) => step.outputs.find((output) => output.name === `next_${name}`)!),
    ...step.outputs.filter(({ name }) => !isNext(name)),
  ];
  const stacked = (value: Graph['inputs'][number]) => ({ ...value, dims: ['steps', ...value.dims] });
  const scan: GraphNode = {
    op: 'Scan',
    domain: '',
    name: `Scan:${step.name}`,
    inputs: inputs.map(({ name }) => name),
    outputs: outputs.map(({ name }) => name),
    attributes: {
      num_scan_inputs: int(inputs.length - states.length),
      body: {
        type: 'graph',
        value: {
          ...body,
          inputs: inputs.map((value) => ({ ...value, name: `step.${value.name}` })),
          outputs: outputs.map((value) => ({ ...value, name: `step.${value.name}` })),
        },
      },
    },
  };
  return {
    name: `${step.name}_loop`,
    inputs: inputs.map((value) => (isState(value.name) ? value : stacked(value))),
    outputs: outputs.map((value) => (isNext(value.name) ? value : stacked(value))),
    nodes: [scan],
    initializers: new Map(),
  };
}

/** The graph with every value renamed; a body must not use the names of the graph around it. */
function prefixed(graph: Graph, prefix: string): Graph {
  const rename = (name: string) => (name === '' ? '' : prefix + name);
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: rename(node.name),
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [rename(name), tensor])),
  };
}
