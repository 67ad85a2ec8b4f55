import { workerData } from 'node:worker_threads';
import { type InferenceSession, openSession, tensor } from '../../../core/runtime/session.ts';
import { serveThread } from '../../../core/workers/thread.ts';

/** What a replica is started with. Shared arrays are views of memory that both sides see. */
export interface ReplicaSetup {
  /** The encoded gradient graph for this replica's share of the batch. */
  graph: Uint8Array;
  /** Its input that says which Dropout is next, if it has one: what names it would load all rules into each thread. */
  dropoutInput: string | undefined;
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

/** What a replica does. */
export type ReplicaCalls = {
  /** Loads the gradient graph. */
  open: { params: undefined; result: undefined };
  /** Computes a share's gradient into the shared arrays; gives its mean loss. */
  step: {
    params: {
      images: Float32Array<ArrayBuffer>;
      targets: Float32Array<ArrayBuffer>;
      /** Of this share alone, so that it drops others than the rest of the batch. */
      dropoutStep: number;
    };
    result: number;
  };
};

const setup = workerData as ReplicaSetup;
let session: InferenceSession;

// onnxruntime-node takes no tensors on shared memory, so every shared array has a private twin here.
const parameters = new Float32Array(setup.parameters.length);
const buffers = new Float32Array(setup.buffers.length);
const gradient = new Float32Array(setup.gradient.length);
const nextBuffers = new Float32Array(setup.nextBuffers.length);
const logits = new Float32Array(setup.logits.length);
const loss = new Float32Array(1);

serveThread<ReplicaCalls>({
  open: async () => {
    session = await openSession(setup.graph, {
      threads: setup.threads,
      int8: false,
      // As in OrtEngine: halves the memory.
      enableMemPattern: false,
    });
  },
  step: async ({ images, targets, dropoutStep }) => {
    parameters.set(setup.parameters);
    buffers.set(setup.buffers);
    const feeds = {
      images: tensor(images, setup.imageDims),
      targets: tensor(targets, setup.targetDims),
      parameters: tensor(parameters),
      buffers: tensor(buffers),
      ...(setup.dropoutInput ? { [setup.dropoutInput]: tensor(Float32Array.of(dropoutStep), []) } : {}),
    };
    const fetches = {
      loss: tensor(loss, []),
      logits: tensor(logits, setup.targetDims),
      gradient: tensor(gradient),
      next_buffers: tensor(nextBuffers),
    };
    await session.run(feeds, fetches);
    setup.gradient.set(gradient);
    setup.nextBuffers.set(nextBuffers);
    setup.logits.set(logits);
    return loss[0]!;
  },
});
