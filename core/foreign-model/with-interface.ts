import { UserError } from '../errors.ts';
import { type ClassifierMetadata, encodeMetadata, isOwnKey } from '../model-metadata.ts';
import { parseModel, serializeModel } from '../onnx/parse-model.ts';
import { INDICES, PIXELS, PROBABILITIES } from '../onnx/passes/pixels-to-top-k.ts';
import { renameValues, valueNames } from '../onnx/rename-values.ts';
import { freshNames, join } from './adapt-model.ts';
import { cast, chain, channels, type Step, softmax, topK, transpose, valueInfo } from './proto-ops.ts';

/** From this operator set on TopK is as we write it. */
const TOP_K_OPSET = 11;

/**
 * Gives a model with our inputs and outputs those that its metadata is to say, as `takeNhwcInput`, `pixelsToTopK` and
 * `fixBatch` do for graphs of ours. The rest of the file is kept as it is.
 * @param bytes float32 [batch, 3, height, width] in, scores [batch, classes] out, as metadata says of them
 * @param metadata of the model to be made
 * @param options.batch the one batch size; left out: any
 * @param options.topK how many classes come out, where the model ranks
 * @throws UserError if the model's operator set has no such operators
 */
export function withInterface(
  bytes: Uint8Array,
  metadata: ClassifierMetadata,
  { batch, topK: k }: { batch?: number | undefined; topK: number },
  source: string,
): Uint8Array {
  const model = parseModel(bytes, source);
  const ranks = metadata.preprocessing === 'graph';
  const { inputHeight: height, inputWidth: width, labels } = metadata;
  const opset = Number(model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? 1);
  if (ranks && opset < TOP_K_OPSET) {
    throw new UserError(
      `--preprocess needs opset ${TOP_K_OPSET}, ${source} is of ${opset}; convert it with onnx.version_converter first`,
    );
  }
  const before: Step[] = ranks ? pixelSteps(metadata) : [];
  if (!ranks && metadata.inputLayout === 'NHWC') before.push(transpose([0, 3, 1, 2]));
  const [from, scores] = [ranks ? PIXELS : 'input', ranks ? 'ranked_scores' : 'logits'];
  const own = [PIXELS, PROBABILITIES, INDICES, 'input', 'logits', 'ranked_scores'];
  const fresh = freshNames(valueNames(model.graph), own);
  const input = before.length > 0 ? fresh('model_input') : 'input';
  const output = ranks ? fresh('model_scores') : 'logits';
  const names = new Map(own.map((name) => [name, fresh(`model_${name}`)]));
  renameValues(model.graph, names.set('input', input).set('logits', output));
  const reading = metadata.scores === undefined || metadata.scores === 'logits' ? softmax : { op: 'Exp' };
  const graph = {
    ...model.graph,
    ...join(
      chain(before, from, input, fresh),
      model.graph,
      ...(ranks
        ? [chain([reading], output, scores, fresh), topK(scores, [PROBABILITIES, INDICES], k, fresh)]
        : []),
    ),
  };
  const size = batch ?? 'batch';
  const image = metadata.inputLayout === 'NHWC' ? [height, width, 3] : [3, height, width];
  graph.input = [valueInfo(from, ranks ? 'uint8' : 'float32', [size, ...image])];
  graph.output = ranks
    ? [valueInfo(PROBABILITIES, 'float32', [size, k]), valueInfo(INDICES, 'int64', [size, k])]
    : [valueInfo('logits', 'float32', [size, labels.length])];
  const metadataProps = [
    ...model.metadataProps.filter(({ key }) => !isOwnKey(key ?? '')),
    ...Object.entries(encodeMetadata(metadata)).map(([key, value]) => ({ key, value })),
  ];
  return serializeModel({ ...model, graph, metadataProps });
}

/** From bytes by rows to what the model takes: `v * scale - shift`, with both constants rounded once. */
function pixelSteps({ mean, std }: ClassifierMetadata): Step[] {
  const scale = std.map((value) => 1 / (255 * value));
  const shift = std.map((value, channel) => mean[channel]! / value);
  return [cast('float32'), transpose([0, 3, 1, 2]), channels('Mul', scale), channels('Sub', shift)];
}
