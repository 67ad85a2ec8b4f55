import { buildModel } from '../../core/models/zoo.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { CORES_FOR_RESNET18, chooseModel } from '../../train/choose-model.ts';
import { chooseReplicas } from '../../train/engine/choose-replicas.ts';
import { DEFAULTS, type EngineName } from '../../train/recipe/settings.ts';

/** What `npm run train` does without options. */
export interface TrainingPlan {
  engine: EngineName;
  /** What --engine can be here. */
  engines: EngineName[];
  model: string;
  batchSize: number;
  replicas: number;
  /** In words. */
  why: string;
}

/**
 * What `npm run train` chooses on CIFAR-100, by the functions that it chooses with.
 * @param tensorflow whether TensorFlow runs here
 */
export function planTraining(cores: number, tensorflow: boolean): TrainingPlan {
  const { batchSize, engine } = DEFAULTS;
  const graph = buildModel(chooseModel(cores), { numClasses: 100, imageSize: 32 });
  const replicas = chooseReplicas(graph, batchSize);
  const size = `${(parameterCount(graph) / 1e6).toFixed(1)} million parameters`;
  const spread =
    replicas > 1 ? `${replicas} replicas, one a core, for so small a net` : 'all cores inside each operator';
  const limit = cores < CORES_FOR_RESNET18 ? `; resnet18 from ${CORES_FOR_RESNET18} cores` : '';
  const why = `${cores} CPU ${cores === 1 ? 'core' : 'cores'}${limit}; ${size}: ${spread}`;
  const engines: EngineName[] = tensorflow ? ['ort', 'tfjs'] : ['ort'];
  return { engine, engines, model: graph.name, batchSize, replicas, why };
}
