import { type GraphNode, sizeOf } from '../../../core/onnx/graph.ts';

export interface Tensor64 {
  dims: readonly number[];
  data: Float64Array;
}

export type Values = Map<string, Tensor64>;

/** @param inputs undefined where one is left out */
export type Operator64 = (node: GraphNode, inputs: Tensor64[]) => Tensor64 | Tensor64[];

export function map(x: Tensor64, f: (value: number) => number): Tensor64 {
  return { dims: x.dims, data: x.data.map(f) };
}

/** Elementwise with numpy broadcasting. */
export function broadcast(x: Tensor64, y: Tensor64, f: (a: number, b: number) => number): Tensor64 {
  const rank = Math.max(x.dims.length, y.dims.length);
  const [a, b] = [x, y].map(({ dims }) => [...new Array<number>(rank - dims.length).fill(1), ...dims]) as [
    number[],
    number[],
  ];
  const dims = a.map((size, axis) => Math.max(size, b[axis]!));
  const out = zeros(dims);
  for (let i = 0; i < out.data.length; i++) {
    let rest = i;
    let [inX, inY, strideX, strideY] = [0, 0, 1, 1];
    for (let axis = rank - 1; axis >= 0; axis--) {
      const position = rest % dims[axis]!;
      rest = (rest - position) / dims[axis]!;
      if (a[axis]! > 1) inX += position * strideX;
      if (b[axis]! > 1) inY += position * strideY;
      strideX *= a[axis]!;
      strideY *= b[axis]!;
    }
    out.data[i] = f(x.data[inX]!, y.data[inY]!);
  }
  return out;
}

export function zeros(dims: readonly number[]): Tensor64 {
  return { dims, data: new Float64Array(sizeOf(dims)) };
}
