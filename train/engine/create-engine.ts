import { availableParallelism } from 'node:os';
import type { Graph } from '../../core/onnx/graph.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import type { TrainConfig } from '../config.ts';
import { optimizerOf } from '../optim/optimizer-config.ts';
import type { TrainingEngine } from './engine.ts';
import { OrtEngine } from './ort-engine.ts';
import { ReplicaEngine } from './replicas/replica-engine.ts';
import { TfjsEngine } from './tfjs/tfjs-engine.ts';

/** Above this many parameters one operator keeps all cores busy, and replicas would only cost memory. */
const SMALL_NET_PARAMETERS = 2_000_000;
/** Batch norm wants its share of the batch to be no smaller. */
const SMALLEST_SHARE = 64;

/** How many replicas train this net fastest here: one a core for small nets, while the shares stay large. */
export function chooseReplicas(model: Graph, batchSize: number): number {
  if (parameterCount(model) > SMALL_NET_PARAMETERS) return 1;
  for (let count = availableParallelism(); count > 1; count--) {
    if (batchSize % count === 0 && batchSize / count >= SMALLEST_SHARE) return count;
  }
  return 1;
}

/** Makes the engine a run's config asks for. */
export function createEngine(model: Graph, config: TrainConfig, threads?: number): Promise<TrainingEngine> {
  const { batchSize, replicas, accumulate = 1 } = config;
  const optimizer = optimizerOf(config);
  if (config.engine === 'tfjs') {
    return TfjsEngine.create(model, { batchSize, optimizer, replicas, accumulate, threads });
  }
  if (replicas === 1 && accumulate === 1) return OrtEngine.create(model, { batchSize, optimizer, threads });
  return ReplicaEngine.create(model, { batchSize, optimizer, replicas, accumulate, threads });
}
