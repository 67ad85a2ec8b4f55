import { availableParallelism } from 'node:os';
import type { Graph } from '../../core/onnx/graph.ts';
import { parameterCount } from '../../core/onnx/roles.ts';

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
