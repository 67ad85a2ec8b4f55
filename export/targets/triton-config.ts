import { UserError } from '../../core/errors.ts';
import type { DataType, Dim, Graph, ValueInfo } from '../../core/onnx/graph.ts';
import { EnumValue, type TextMessage } from './text-proto.ts';

/** Triton's names of element types (ModelConfig's DataType). */
const DATA_TYPES: Partial<Record<DataType, string>> = {
  float32: 'TYPE_FP32',
  float16: 'TYPE_FP16',
  float64: 'TYPE_FP64',
  bfloat16: 'TYPE_BF16',
  int8: 'TYPE_INT8',
  int16: 'TYPE_INT16',
  int32: 'TYPE_INT32',
  int64: 'TYPE_INT64',
  uint8: 'TYPE_UINT8',
  uint16: 'TYPE_UINT16',
  uint32: 'TYPE_UINT32',
  uint64: 'TYPE_UINT64',
  bool: 'TYPE_BOOL',
};

export interface TritonOptions {
  /** Name of the model, and of its folder. */
  name: string;
  /** How many classes it tells apart; an output of as many scores gets the labels. */
  classes: number;
  /** File of label names beside the configuration. */
  labels: string;
  /** Most images Triton runs at once. */
  maxBatch: number;
  /** Whether the model computes one image after the other, so that a batch would only make all of it wait. */
  oneByOne?: boolean | undefined;
  /** How long a request waits for others to make a batch with. */
  queueDelayMicroseconds: number;
}

/**
 * Triton's configuration of a model (ModelConfig in model_config.proto of triton-inference-server/common):
 * requests are put together into batches, as far as the model takes any number of images.
 * @throws UserError if an input or output is of a type Triton does not have
 */
export function tritonConfig(graph: Graph, options: TritonOptions): TextMessage {
  const { name, classes, labels, maxBatch, oneByOne = false, queueDelayMicroseconds } = options;
  const values = [...graph.inputs, ...graph.outputs];
  const anyBatch = values.every(({ dims }) => typeof dims[0] === 'string');
  // With a batch of any size the first dimension is left out: Triton adds it.
  const dimsOf = ({ dims }: ValueInfo): number[] => (anyBatch ? dims.slice(1) : dims).map(sizeOf);
  return {
    name,
    backend: 'onnxruntime',
    max_batch_size: anyBatch ? (oneByOne ? 1 : maxBatch) : 0,
    input: graph.inputs.map((value) => ({
      name: value.name,
      data_type: typeOf(value),
      ...formatOf(dimsOf(value)),
      dims: dimsOf(value),
    })),
    output: graph.outputs.map((value) => ({
      name: value.name,
      data_type: typeOf(value),
      dims: dimsOf(value),
      ...(value.dims.at(-1) === classes && value.dtype !== 'int64' ? { label_filename: labels } : {}),
    })),
    instance_group: [{ kind: new EnumValue('KIND_AUTO'), count: 1 }],
    ...(anyBatch && !oneByOne
      ? { dynamic_batching: { max_queue_delay_microseconds: queueDelayMicroseconds } }
      : {}),
  };
}

function sizeOf(dim: Dim): number {
  return typeof dim === 'number' ? dim : -1;
}

function typeOf({ name, dtype }: ValueInfo): EnumValue {
  const type = DATA_TYPES[dtype];
  if (type === undefined) throw new UserError(`"${name}" is of type ${dtype}, which Triton does not have`);
  return new EnumValue(type);
}

/** The order of an image's dimensions, where they are those of one. */
function formatOf(dims: readonly number[]): { format?: EnumValue } {
  if (dims.length !== 3) return {};
  if (dims[0] === 3 || dims[0] === 1) return { format: new EnumValue('FORMAT_NCHW') };
  return dims[2] === 3 || dims[2] === 1 ? { format: new EnumValue('FORMAT_NHWC') } : {};
}
