import onnxProto, { type onnx as Onnx } from 'onnx-proto';

const { onnx } = onnxProto;
const { FLOAT } = onnx.TensorProto.DataType;

export interface TinyNetOptions {
  /** The strings of its metadata. */
  props?: Record<string, string>;
  /** Height and width; null: any. Default 8. */
  size?: number | null;
  classes?: number;
  /** Where its one weight lies, instead of in the model; its bytes are {@link tinyWeight}. */
  location?: string;
}

/** [3, classes]: twice the identity, then zeros. */
export function tinyWeight(classes = 3): Uint8Array {
  const weight = Float32Array.from({ length: 3 * classes }, (_, i) =>
    Math.floor(i / classes) === i % classes ? 2 : 0,
  );
  return new Uint8Array(weight.buffer);
}

/**
 * A classifier of another program: twice the mean of each channel of the input. With `(v / 255 - 0.5) / 0.5` a
 * red picture has the scores 2, -2, -2, and red the probability 0.9647.
 */
export function tinyNet({ props = {}, size = 8, classes = 3, location }: TinyNetOptions = {}): Uint8Array {
  const value = (name: string, dims: (number | string)[]): Onnx.IValueInfoProto => ({
    name,
    type: {
      tensorType: {
        elemType: FLOAT,
        shape: { dim: dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
      },
    },
  });
  const weight: Onnx.ITensorProto = {
    name: 'W',
    dataType: FLOAT,
    dims: [3, classes],
    ...(location === undefined
      ? { rawData: tinyWeight(classes) }
      : {
          dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
          externalData: [{ key: 'location', value: location }],
        }),
  };
  const graph: Onnx.IGraphProto = {
    name: 'g',
    input: [value('data', ['N', 3, size ?? 'H', size ?? 'W'])],
    output: [value('scores', ['N', classes])],
    node: [
      { opType: 'GlobalAveragePool', input: ['data'], output: ['gap'] },
      {
        opType: 'Flatten',
        input: ['gap'],
        output: ['flat'],
        attribute: [{ name: 'axis', type: onnx.AttributeProto.AttributeType.INT, i: 1 }],
      },
      { opType: 'MatMul', input: ['flat', 'W'], output: ['scores'] },
    ],
    initializer: [weight],
  };
  const model = onnx.ModelProto.fromObject({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 13 }],
    graph,
    metadataProps: Object.entries(props).map(([key, text]) => ({ key, value: text })),
  });
  return new Uint8Array(onnx.ModelProto.encode(model).finish());
}

/** The least that says how to prepare images for {@link tinyNet}. */
export const HALVES = { mean: 0.5, std: 0.5 };
