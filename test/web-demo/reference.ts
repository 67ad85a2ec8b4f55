import { readFile } from 'node:fs/promises';
import { ClassificationMetrics } from '../../core/metrics/classification-metrics.ts';
import { softmax } from '../../core/metrics/softmax.ts';
import { topK } from '../../core/metrics/top-k.ts';
import { type ClassifierMetadata, decodeMetadata, type ModelAccuracy } from '../../core/model-metadata.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import { type InferenceSession, openSession, Tensor } from '../../core/runtime/session.ts';

/** The same model in onnxruntime-node, for the page's numbers to be compared with. */
export class Reference {
  readonly metadata: ClassifierMetadata;
  readonly #session: InferenceSession;
  readonly #normalizer: Normalizer;

  private constructor(session: InferenceSession, metadata: ClassifierMetadata) {
    this.#session = session;
    this.metadata = metadata;
    this.#normalizer = new Normalizer(metadata);
  }

  static async open(file: string): Promise<Reference> {
    const bytes = new Uint8Array(await readFile(file));
    const metadata = decodeMetadata(decodeModel(bytes, file).metadata, file);
    return new Reference(await openSession(bytes, { threads: 1 }), metadata);
  }

  /** The five best classes of a picture, as the page should show them. */
  async classify(picture: {
    rgba: Uint8Array;
    width: number;
    height: number;
  }): Promise<{ label: string; probability: number }[]> {
    const { rgba, width, height } = picture;

    const small = prepareImage({ data: rgba, width, height, channels: 4 }, { width: 32, height: 32 });
    const input = new Float32Array(3 * 1024);
    this.#normalizer.interleaved(small.data, 3, input, 0, 1024);
    const logits = await this.#run(input, 1);
    const probabilities = softmax(logits);
    return topK(logits, 5).map((index) => ({
      label: this.metadata.labels[index]!,
      probability: probabilities[index]!,
    }));
  }

  /** Accuracy over all records of a `test.bin`. */
  async evaluate(bytes: Uint8Array): Promise<ModelAccuracy> {
    const records = bytes.length / 3074;
    const metrics = new ClassificationMetrics(this.metadata.labels.length);
    const input = new Float32Array(3 * 1024);
    for (let i = 0; i < records; i++) {
      this.#normalizer.planar(bytes, i * 3074 + 2, input, 0, 1024);
      metrics.add(await this.#run(input, 1), [bytes[i * 3074 + 1]!], 1);
    }
    return metrics.result();
  }

  /** The records of a `test.bin` that the model gets wrong, those it is surest of first. */
  async worstMistakes(bytes: Uint8Array): Promise<{ record: number; probability: number }[]> {
    const input = new Float32Array(3 * 1024);
    const wrong: { record: number; probability: number }[] = [];
    for (let record = 0; record < bytes.length / 3074; record++) {
      this.#normalizer.planar(bytes, record * 3074 + 2, input, 0, 1024);
      const logits = await this.#run(input, 1);
      const [guess] = topK(logits, 1);
      if (guess !== bytes[record * 3074 + 1]) wrong.push({ record, probability: softmax(logits)[guess!]! });
    }
    return wrong.sort((a, b) => b.probability - a.probability);
  }

  async #run(input: Float32Array, n: number): Promise<Float32Array> {
    const { logits } = await this.#session.run({ input: new Tensor('float32', input, [n, 3, 32, 32]) });
    return logits!.data as Float32Array;
  }
}
