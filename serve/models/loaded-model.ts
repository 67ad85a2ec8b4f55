import type { Limits } from '../http/limits.ts';
import { InferencePool, type InferencePoolOptions } from '../inference/pool.ts';
import type { ServedModel } from '../model-file.ts';
import { describeModel, type ModelDescription } from './describe-model.ts';
import { ImagePipeline } from './image-pipeline.ts';

export type InferenceOptions = Omit<InferencePoolOptions, 'model' | 'height' | 'width' | 'classes'>;

/** One version of a model, loaded and running. */
export class LoadedModel {
  readonly name: string;
  readonly version: number;
  readonly served: ServedModel;
  readonly pool: InferencePool;
  readonly pipeline: ImagePipeline;
  readonly description: Omit<ModelDescription, 'versions'>;
  #leases = 0;
  #onIdle: (() => void) | undefined;

  private constructor(
    id: { name: string; version: number },
    served: ServedModel,
    pool: InferencePool,
    limits: Limits,
  ) {
    this.name = id.name;
    this.version = id.version;
    // The pool's copy is shared with its threads: the only one this process keeps.
    this.served = { ...served, bytes: pool.modelBytes };
    this.pool = pool;
    this.pipeline = new ImagePipeline(served.metadata, pool, limits.pixels);
    this.description = describeModel(this.served, id);
  }

  /**
   * Starts inference; resolves once a warm-up ran.
   * @throws UserError if the runtime cannot run the model
   */
  static async load(
    id: { name: string; version: number },
    served: ServedModel,
    inference: InferenceOptions,
    limits: Limits,
  ): Promise<LoadedModel> {
    const { metadata, bytes } = served;
    // It would compute them one after the other, for all who wait.
    const batch = metadata.oneByOne ? { maxBatch: 1 } : {};
    const pool = await InferencePool.start({
      model: bytes,
      height: metadata.inputHeight,
      width: metadata.inputWidth,
      classes: metadata.labels.length,
      ...inference,
      ...batch,
    });
    const { batchProblem, runtimeNote } = pool;
    const notes = [
      ...(runtimeNote === undefined ? [] : [runtimeNote]),
      ...(batchProblem === undefined ? [] : [`${batchProblem}: it is run image by image`]),
    ];
    return new LoadedModel(id, { ...served, notes: [...served.notes, ...notes] }, pool, limits);
  }

  /**
   * Keeps the model running for a request, whatever replaces it meanwhile.
   * @returns gives it back; to be called once
   */
  lease(): () => void {
    this.#leases++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      if (--this.#leases === 0) this.#onIdle?.();
    };
  }

  /** Waits for the requests that hold a lease, then stops inference. No lease may be taken any more. */
  async retire(): Promise<void> {
    if (this.#leases > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.pool.close();
  }
}
