import { UserError } from '../../core/errors.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type Dim, floatTensor, type Graph, str } from '../../core/onnx/graph.ts';
import { inferShapes } from '../../core/onnx/shape-inference.ts';

/**
 * A net for images of another size than it sees: the first node of its graph is a bilinear Resize, so that trainer,
 * server and page go on to give it images as the data has them.
 */

/** The output of that node. */
const ENLARGED = 'enlarged';
const SCALES = 'enlargement';

/** Whether a graph resizes its images. */
export function enlarges({ nodes }: Graph): boolean {
  return nodes[0]?.outputs[0] === ENLARGED;
}

/** Height of the images that the layers of a net see, in pixels; they are square where it matters. */
export function sizeSeen(graph: Graph): number {
  const height = graph.inputs[0]!.dims[2] as number;
  return enlarges(graph)
    ? Math.round((height * Number(graph.initializers.get(SCALES)!.data[2])) as number)
    : height;
}

/**
 * The same net for another size: of its images, or if it resizes them, of what it makes of them.
 * @throws UserError if it is made for images of its own size alone
 */
export function seenAt(graph: Graph, size: number): Graph {
  if (size === sizeSeen(graph)) return graph;
  const [height, width] = graph.inputs[0]!.dims.slice(2) as [number, number];
  const resized = enlarges(graph)
    ? { ...graph, initializers: new Map(graph.initializers).set(SCALES, scales(size / height, size / width)) }
    : withSize(graph, size, size);
  try {
    inferShapes(resized);
    return resized;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${graph.name} does not take images of ${size} pixels: ${error.message}`);
  }
}

/** A net for images of `height` x `width`: as it is, if that is what it sees or it takes any, else with a Resize. */
export function forImages(graph: Graph, { height, width }: { height: number; width: number }): Graph {
  const [input] = graph.inputs as [Graph['inputs'][0]];
  const [, , netHeight, netWidth] = input.dims;
  if (netHeight === height && netWidth === width) return graph;
  if (enlarges(graph)) {
    const size = sizeSeen(graph);
    const initializers = new Map(graph.initializers).set(SCALES, scales(size / height, size / width));
    return { ...withSize(graph, height, width), initializers };
  }
  if (typeof netHeight !== 'number' || typeof netWidth !== 'number') return withSize(graph, height, width);
  const builder = new GraphBuilder({
    ...withSize(graph, height, width),
    nodes: [],
    initializers: new Map(graph.initializers),
  });
  builder.initializer(SCALES, scales(netHeight / height, netWidth / width));
  const attributes = { mode: str('linear'), coordinate_transformation_mode: str('half_pixel') };
  builder.node('Resize', [input.name, '', SCALES], attributes, { name: ENLARGED });
  const rename = (name: string) => (name === input.name ? ENLARGED : name);
  const rest = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) }));
  return { ...builder.graph, nodes: [...builder.graph.nodes, ...rest] };
}

const scales = (vertical: number, horizontal: number) => floatTensor([4], [1, 1, vertical, horizontal]);

function withSize(graph: Graph, height: Dim, width: Dim): Graph {
  const [input, ...others] = graph.inputs as [Graph['inputs'][0], ...Graph['inputs']];
  return { ...graph, inputs: [{ ...input, dims: [...input.dims.slice(0, 2), height, width] }, ...others] };
}
