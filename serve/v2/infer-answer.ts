import { softmax } from '../../core/metrics/softmax.ts';
import { topK } from '../../core/metrics/top-k.ts';
import { HttpError } from '../http/http-error.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { InferAnswer } from '../schemas/v2.ts';
import type { ParsedInfer } from './infer-request.ts';
import { bytesFromTensor, bytesFromTexts } from './tensor-binary.ts';

/** An answer of `/infer`: its JSON, and the bytes that follow it if there are any. */
export interface EncodedInfer {
  json: InferAnswer;
  binary: Buffer[];
}

/**
 * @param logits [images, classes]
 * @throws HttpError 500 if the model gave what is not a number
 */
export function encodeInfer(model: LoadedModel, request: ParsedInfer, logits: Float32Array): EncodedInfer {
  const { images, id } = request;
  const { labels } = model.served.metadata;
  // JSON has no NaN, and to a client it would be no score.
  if (!logits.every(Number.isFinite)) throw new HttpError(500, 'the model gave a score that is not a number');
  const binary: Buffer[] = [];
  const outputs = request.outputs.map(({ name, binary: asBytes, classification }) => {
    const values = name === 'logits' ? logits : probabilitiesOf(logits, labels.length);
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

function probabilitiesOf(logits: Float32Array, classes: number): Float32Array {
  const out = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += classes) out.set(softmax(logits.subarray(at, at + classes)), at);
  return out;
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
