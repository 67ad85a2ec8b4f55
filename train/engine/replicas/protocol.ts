/** What a replica is started with. Shared arrays are views of memory that both sides see. */
export interface ReplicaSetup {
  /** The encoded gradient graph for this replica's share of the batch. */
  graph: Uint8Array;
  /** Threads for one operator; 0: onnxruntime's choice, one a core. */
  threads: number;
  imageDims: number[];
  targetDims: number[];
  /** Written by the engine before a step. */
  parameters: Float32Array;
  buffers: Float32Array;
  /** Written by the replica in a step. */
  gradient: Float32Array;
  nextBuffers: Float32Array;
  logits: Float32Array;
}

export interface ReplicaRequest {
  images: Float32Array<ArrayBuffer>;
  targets: Float32Array<ArrayBuffer>;
}

export type ReplicaReply = { ready: true } | { loss: number } | { error: string };
