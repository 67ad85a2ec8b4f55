import { z } from 'zod';
import { Refusal } from '../../core/errors.ts';
import { probabilitiesOf, type ScoreKind } from '../../core/metrics/scores.ts';
import { topK } from '../../core/metrics/top-k.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import { bytesFromTensor, bytesFromTexts, type ParsedInfer, Shape } from './infer-request.ts';

export const InferAnswer = z
  .strictObject({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    outputs: z.array(
      z.strictObject({
        name: z.string(),
        shape: Shape,
        datatype: z.string(),
        parameters: z.strictObject({ binary_data_size: z.int().min(0) }).optional(),
        data: z.array(z.union([z.number(), z.string()])).optional(),
      }),
    ),
  })
  .meta({ id: 'InferAnswer' });
export type InferAnswer = z.output<typeof InferAnswer>;

/** An answer of `/infer`: its JSON, and the bytes that follow it if there are any. */
export interface EncodedInfer {
  json: InferAnswer;
  binary: Buffer[];
}

/**
 * @param logits [images, classes]
 * @throws Refusal 500 if the model gave what is not a number
 */
export function encodeInfer(model: LoadedModel, request: ParsedInfer, logits: Float32Array): EncodedInfer {
  const { images, id } = request;
  const { labels, scores } = model.served.metadata;
  const binary: Buffer[] = [];
  const outputs = request.outputs.map(({ name, binary: asBytes, classification }) => {
    const values = name === 'logits' ? finiteScores(logits) : allProbabilities(logits, labels.length, scores);
    // JSON has no NaN, and to a client it would be no score.
    if (values.some(Number.isNaN)) throw new Refusal(500, 'the model gave a score that is not a number');
    if (classification > 0) {
      const k = Math.min(classification, labels.length);
      const tensor = { name, datatype: 'BYTES', shape: [images, k] };
      const texts = classify(values, labels, k);
      if (!asBytes) return { ...tensor, data: texts };
      const bytes = bytesFromTexts(texts);
      binary.push(bytes);
      return { ...tensor, parameters: { binary_data_size: bytes.length } };
    }
    const tensor = { name, datatype: 'FP32', shape: [images, labels.length] };
    if (!asBytes) return { ...tensor, data: Array.from(values) };
    binary.push(bytesFromTensor(values));
    return { ...tensor, parameters: { binary_data_size: values.byteLength } };
  });
  return {
    json: {
      model_name: model.name,
      model_version: String(model.version),
      ...(id !== undefined && { id }),
      outputs,
    },
    binary,
  };
}

function allProbabilities(
  logits: Float32Array,
  classes: number,
  scores: ScoreKind | undefined,
): Float32Array {
  const out = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += classes) {
    out.set(probabilitiesOf(logits.subarray(at, at + classes), scores), at);
  }
  return out;
}

/** The largest float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Infinite scores, which JSON does not have, as the largest finite ones. */
function finiteScores(logits: Float32Array): Float32Array {
  if (logits.every(Number.isFinite)) return logits;
  return logits.map((value) => Math.min(LARGEST, Math.max(-LARGEST, value)));
}

/** Triton's classification extension: `score:index:label`, best first. */
function classify(values: Float32Array, labels: readonly string[], k: number): string[] {
  const out: string[] = [];
  for (let at = 0; at < values.length; at += labels.length) {
    const scores = values.subarray(at, at + labels.length);
    for (const index of topK(scores, k)) out.push(`${scores[index]!.toFixed(6)}:${index}:${labels[index]}`);
  }
  return out;
}
