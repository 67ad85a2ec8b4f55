import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import type { TrainingState } from '../state.ts';
import type { FilterOrder } from './filter-order.ts';

/** The tensors of a training state, by their names in the update graph. */
export type StateTensors = { parameters: Tensor; buffers: Tensor } & Record<string, Tensor>;

/** A training state that stays on TensorFlow's device, and is read back only when asked for. */
export class DeviceState {
  #tensors: StateTensors;
  #steps: number;
  #host: TrainingState | undefined;

  constructor(
    private readonly tf: TensorFlow,
    private readonly order: FilterOrder,
    initial: TrainingState,
  ) {
    this.#tensors = this.#upload(initial);
    this.#steps = initial.steps;
  }

  get tensors(): StateTensors {
    return this.#tensors;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Takes over the tensors of the state after a step. */
  advance(next: StateTensors): void {
    this.#replace(next, this.#steps + 1);
  }

  /** Replaces the state with a copy of the given one. */
  load(state: TrainingState): void {
    this.#replace(this.#upload(state), state.steps);
  }

  read(): TrainingState {
    const { parameters, buffers, ...slots } = this.#tensors;
    const download = (tensor: Tensor) => this.order.fromDevice(tensor.dataSync() as Float32Array);
    this.#host ??= {
      parameters: download(parameters),
      buffers: download(buffers),
      slots: Object.fromEntries(Object.entries(slots).map(([name, tensor]) => [name, download(tensor)])),
      steps: this.#steps,
    };
    return this.#host;
  }

  dispose(): void {
    this.tf.dispose(this.#tensors);
  }

  #replace(tensors: StateTensors, steps: number): void {
    const old = this.#tensors;
    this.#tensors = tensors;
    this.#steps = steps;
    this.#host = undefined;
    this.tf.dispose(old);
  }

  #upload({ parameters, buffers, slots }: TrainingState): StateTensors {
    // A copy: TensorFlow.js takes the array as it is when the tensor is first used, by when it may have changed.
    const tensor = (vector: Float32Array): Tensor => this.tf.tensor1d(this.order.toDevice(vector));
    const named = Object.entries(slots).map(([name, vector]) => [name, tensor(vector)]);
    return { ...Object.fromEntries(named), parameters: tensor(parameters), buffers: tensor(buffers) };
  }
}
