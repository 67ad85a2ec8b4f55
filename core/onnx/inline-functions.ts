import { UserError } from '../errors.ts';
import type { Onnx } from './newer-fields.ts';
import { renameInNode, subgraphs, valueNames } from './rename-values.ts';

/** More than any model has; functions that call others twice, and those others twice, ... would have no end. */
const MAX_NODES = 200_000;

/** Sets of operators that onnxruntime has itself: there a function of the same name is not what it runs. */
const BUILT_IN = [
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
];

/**
 * A model without functions of its own: each call is replaced by the function's nodes, as onnxruntime does it.
 * A function is found by domain, name and overload; its attributes have the values of the call, else the
 * defaults of the function, and where there are neither, those of the operator that takes them.
 * @returns the model itself if it has no functions; its graph is changed otherwise
 * @throws UserError if functions call each other in a circle, or have no end
 */
export function inlineFunctions<Model extends Onnx.IModelProto>(model: Model, source: string): Model {
  const functions = new Map<string, Onnx.IFunctionProto>();
  for (const each of model.functions ?? []) {
    if (!BUILT_IN.includes(each.domain ?? ''))
      functions.set(keyOf(each.domain, each.name, each.overload), each);
  }
  if (functions.size === 0 || !model.graph) return model;
  new Inliner(functions, valueNames(model.graph), source).graph(model.graph, []);
  return { ...model, functions: [], opsetImport: withOpsets(model) };
}

function keyOf(domain?: string | null, name?: string | null, overload?: string): string {
  return JSON.stringify([domain ?? '', name ?? '', overload ?? '']);
}

/** The operator sets of the model, and those that only its functions use. */
function withOpsets(model: Onnx.IModelProto): Onnx.IOperatorSetIdProto[] {
  const opsets = new Map<string, Onnx.IOperatorSetIdProto>();
  for (const opset of [
    ...(model.opsetImport ?? []),
    ...(model.functions ?? []).flatMap((each) => each.opsetImport ?? []),
  ]) {
    const domain = opset.domain === 'ai.onnx' ? '' : (opset.domain ?? '');
    if (!opsets.has(domain)) opsets.set(domain, opset);
  }
  return [...opsets.values()];
}

class Inliner {
  #calls = 0;
  #nodes = 0;

  constructor(
    readonly functions: ReadonlyMap<string, Onnx.IFunctionProto>,
    readonly used: Set<string>,
    readonly source: string,
  ) {}

  /** @param callers the functions whose bodies it is in */
  graph(graph: Onnx.IGraphProto, callers: readonly string[]): void {
    graph.node = (graph.node ?? []).flatMap((node) => this.#expand(node, callers));
  }

  #expand(node: Onnx.INodeProto, callers: readonly string[]): Onnx.INodeProto[] {
    const key = keyOf(node.domain, node.opType, node.overload);
    const called = this.functions.get(key);
    if (!called) {
      for (const body of subgraphs(node)) this.graph(body, callers);
      return [node];
    }
    if (callers.includes(key)) {
      throw new UserError(`${this.source}: its function "${called.name}" calls itself`);
    }
    this.#nodes += called.node?.length ?? 0;
    if (this.#nodes > MAX_NODES) {
      throw new UserError(`${this.source}: its functions unfold to more than ${MAX_NODES} nodes`);
    }
    return this.#bodyOf(called, node).flatMap((each) => this.#expand(each, [...callers, key]));
  }

  /** A function's nodes with the values and attributes of a call. */
  #bodyOf(called: Onnx.IFunctionProto, call: Onnx.INodeProto): Onnx.INodeProto[] {
    const prefix = `${call.name || call.opType || 'call'}/${this.#calls++}/`;
    const names = new Map<string, string>([['', '']]);
    const passed: Onnx.INodeProto[] = [];
    for (const [index, name] of (called.input ?? []).entries()) names.set(name, call.input?.[index] ?? '');
    (called.output ?? []).forEach((name, index) => {
      const output = call.output?.[index] ?? '';
      if (output === '') return;
      if (names.has(name)) passed.push({ opType: 'Identity', input: [names.get(name)!], output: [output] });
      else names.set(name, output);
    });
    const rename = (name: string): string => {
      const known = names.get(name);
      if (known !== undefined) return known;
      let fresh = prefix + name;
      while (this.used.has(fresh)) fresh += '_';
      this.used.add(fresh);
      names.set(name, fresh);
      return fresh;
    };
    const values = new Map<string, Onnx.IAttributeProto>();
    for (const each of [...(called.attributeProto ?? []), ...(call.attribute ?? [])])
      values.set(each.name ?? '', each);
    const body = (called.node ?? []).map((node) => copyNode(node, rename, values, prefix));
    return [...body, ...passed];
  }
}

/** A copy in other names; tensors are shared. */
function copyNode(
  node: Onnx.INodeProto,
  rename: (name: string) => string,
  values: ReadonlyMap<string, Onnx.IAttributeProto>,
  prefix: string,
): Onnx.INodeProto {
  const attribute = (node.attribute ?? []).flatMap((each): Onnx.IAttributeProto[] => {
    if (each.refAttrName) {
      const value = values.get(each.refAttrName);
      // What the caller passes is in the caller's names already.
      return value ? [{ ...value, name: each.name ?? '' }] : [];
    }
    const graphs = { g: each.g, graphs: each.graphs };
    if (!graphs.g && !graphs.graphs?.length) return [each];
    return [
      {
        ...each,
        ...(graphs.g && { g: copyGraph(graphs.g, rename, values, prefix) }),
        ...(graphs.graphs && { graphs: graphs.graphs.map((g) => copyGraph(g, rename, values, prefix)) }),
      },
    ];
  });
  const copy = { ...node, name: node.name ? prefix + node.name : '', attribute, deviceConfigurations: [] };
  renameInNode(copy, rename);
  return copy;
}

function copyGraph(
  graph: Onnx.IGraphProto,
  rename: (name: string) => string,
  values: ReadonlyMap<string, Onnx.IAttributeProto>,
  prefix: string,
): Onnx.IGraphProto {
  const renamed = <T extends { name?: string | null }>(list: T[] | null | undefined): T[] =>
    (list ?? []).map((each) => ({ ...each, name: rename(each.name ?? '') }));
  return {
    ...graph,
    input: renamed(graph.input),
    output: renamed(graph.output),
    initializer: renamed(graph.initializer),
    valueInfo: renamed(graph.valueInfo),
    quantizationAnnotation: [],
    node: (graph.node ?? []).map((node) => copyNode(node, rename, values, prefix)),
  };
}
