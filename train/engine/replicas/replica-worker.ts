import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../../../core/errors.ts';
import { openSession, Tensor } from '../../../core/runtime/session.ts';
import type { ReplicaReply, ReplicaRequest, ReplicaSetup } from './protocol.ts';

const setup = workerData as ReplicaSetup;
const reply = (message: ReplicaReply) => parentPort!.postMessage(message);

const session = openSession(setup.graph, {
  threads: setup.threads,
  int8: false,
  // As in OrtEngine: halves the memory.
  enableMemPattern: false,
});

// onnxruntime-node takes no tensors on shared memory, so every shared array has a private twin here.
const parameters = new Float32Array(setup.parameters.length);
const buffers = new Float32Array(setup.buffers.length);
const gradient = new Float32Array(setup.gradient.length);
const nextBuffers = new Float32Array(setup.nextBuffers.length);
const logits = new Float32Array(setup.logits.length);
const loss = new Float32Array(1);

const tensor = (data: Float32Array, dims: readonly number[] = [data.length]) =>
  new Tensor('float32', data, dims);

async function step({ images, targets }: ReplicaRequest): Promise<void> {
  parameters.set(setup.parameters);
  buffers.set(setup.buffers);
  const feeds = {
    images: tensor(images, setup.imageDims),
    targets: tensor(targets, setup.targetDims),
    parameters: tensor(parameters),
    buffers: tensor(buffers),
  };
  const fetches = {
    loss: tensor(loss, []),
    logits: tensor(logits, setup.targetDims),
    gradient: tensor(gradient),
    next_buffers: tensor(nextBuffers),
  };
  await (await session).run(feeds, fetches);
  setup.gradient.set(gradient);
  setup.nextBuffers.set(nextBuffers);
  setup.logits.set(logits);
  reply({ loss: loss[0]! });
}

parentPort!.on('message', (request: ReplicaRequest) => {
  step(request).catch((error) => reply({ error: errorMessage(error) }));
});

session.then(
  () => reply({ ready: true }),
  (error) => reply({ error: errorMessage(error) }),
);
