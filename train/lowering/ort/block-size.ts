import { encodeModel } from '../../../core/onnx/model-file.ts';
import { openSession, Tensor } from '../../../core/runtime/session.ts';
import { convolve } from './conv/convolve.ts';
import { StepBuilder } from './step-builder.ts';

let known: Promise<number> | undefined;

/**
 * How many channels onnxruntime's NCHWc kernels hold in a block on this machine: 16 with AVX-512, 8 with AVX2,
 * 0 where it has none. Found by running a small convolution each way and comparing, once a process.
 */
export function detectBlockSize(): Promise<number> {
  known ??= probe();
  return known;
}

async function probe(): Promise<number> {
  const expected = await runConv(0);
  for (const blockSize of [16, 8, 4]) {
    try {
      const actual = await runConv(blockSize);
      if (expected.every((value, i) => Math.abs(value - actual[i]!) <= 1e-4 * (1 + Math.abs(value)))) {
        return blockSize;
      }
    } catch {
      // No such kernel in this build; the next size, or plain layouts.
    }
  }
  return 0;
}

async function runConv(blockSize: number): Promise<Float32Array> {
  const b = new StepBuilder('probe', blockSize);
  const channels = 32;
  const [dims, filter] = [
    [1, channels, 5, 5],
    [channels, channels, 3, 3],
  ];
  const y = convolve(b, b.input('x', dims), b.input('w', filter), undefined, {
    stride: [1, 1],
    dilation: [1, 1],
    pads: [1, 1, 1, 1],
    group: 1,
  });
  b.output('y', y);
  const session = await openSession(encodeModel(b.graph), { quiet: true, int8: false });
  try {
    const ramp = (shape: number[], step: number) => {
      const size = shape.reduce((n, dim) => n * dim, 1);
      return new Tensor(
        'float32',
        Float32Array.from({ length: size }, (_, i) => Math.sin(step * i)),
        shape,
      );
    };
    const result = await session.run({ x: ramp(dims, 0.7), w: ramp(filter, 1.3) });
    return result.y!.data as Float32Array;
  } finally {
    await session.release();
  }
}
