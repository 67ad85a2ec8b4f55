import { UserError } from '../../core/errors.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';

export interface StartModelOptions {
  /** The zoo's name. */
  model: string;
  classes: number;
  imageSize: number;
  /** Decides the initial weights where there is no file. */
  seed: number;
  /** A .safetensors, .pth or .onnx file to start from. */
  weights?: string | undefined;
}

/**
 * A zoo model with the weights that training starts from.
 * @throws UserError if the file cannot be read, is of another model or of other classes, or has its batch norm
 *   folded
 */
export async function startModel(options: StartModelOptions): Promise<Graph> {
  const { model, classes, imageSize, seed, weights } = options;
  if (weights === undefined) {
    const graph = buildModel(model, { numClasses: classes, imageSize });
    initializeParameters(graph, seed);
    return graph;
  }
  RunDirectory.refuseOwnNet(weights, () => `give weights of a run of the zoo's ${model}`);
  const { tensors, left } = await loadWeights(weights);
  const { graph, folded } = fitModel(tensors, weights, { model, imageSize, left });
  if (folded) {
    throw new UserError(
      `${weights} has batch norm folded into its convs and cannot be trained on; give the run's .safetensors`,
    );
  }
  const [, itsClasses] = graph.outputs[0]!.dims;
  if (itsClasses !== classes) {
    throw new UserError(
      `${weights} tells ${itsClasses} classes apart, the data has ${classes}; give the right --data or --weights`,
    );
  }
  return graph;
}
