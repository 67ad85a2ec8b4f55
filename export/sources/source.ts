import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import type { Graph } from '../../core/onnx/graph.ts';

/** A model to export: its graph with weights, and all that is known of it. */
export class ExportSource {
  /** Of a float32 model that takes normalised NCHW images. */
  readonly metadata: ClassifierMetadata;
  /** Where the weights come from, for the terminal, e.g. `runs/a, best checkpoint`. */
  readonly origin: string;
  /** Whether this project trained the weights; if not, their licence is not known. */
  readonly trainedHere: boolean;
  /** How many values the model learned; folded weights are fewer. */
  readonly parameters: number;
  /** What is to be told of where they come from, a line each. */
  readonly remarks: readonly string[];
  /** Where the images were that it was trained on; not for the file. */
  readonly recorded: string | undefined;
  #graph: Graph | undefined;

  constructor(
    metadata: ClassifierMetadata,
    graph: Graph,
    origin: {
      description: string;
      trainedHere: boolean;
      parameters: number;
      remarks?: readonly string[];
      recorded?: string | undefined;
    },
  ) {
    this.metadata = metadata;
    this.#graph = graph;
    this.origin = origin.description;
    this.trainedHere = origin.trainedHere;
    this.parameters = origin.parameters;
    this.remarks = origin.remarks ?? [];
    this.recorded = origin.recorded;
  }

  get graph(): Graph {
    if (!this.#graph) throw new Error('the graph was taken already');
    return this.#graph;
  }

  /** Hands the graph over, once: nothing else keeps its weights in memory then. */
  takeGraph(): Graph {
    const { graph } = this;
    this.#graph = undefined;
    return graph;
  }
}
