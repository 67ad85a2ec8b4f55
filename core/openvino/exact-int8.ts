import { GraphBuilder } from '../onnx/builder.ts';
import { floatTensor } from '../onnx/graph.ts';
import { encodeModel } from '../onnx/model-file.ts';
import { Tensor } from '../runtime/session.ts';
import type { OpenVinoSession } from './session.ts';

/**
 * Tries what overflows first where a processor without VNNI adds products of bytes in 16 bits: a convolution of the
 * largest there are. See core/runtime/exact-int8.ts for what that costs; OpenVINO has no slower kernels to ask for.
 * @param open opens a model in OpenVINO
 */
export async function sumsAreExact(open: (model: Uint8Array) => Promise<OpenVinoSession>): Promise<boolean> {
  const [channels, filters, size] = [64, 16, 4];
  const b = new GraphBuilder('sums');
  const scale = b.initializer('scale', floatTensor([], [1]));
  const zero = b.initializer('zero', { dtype: 'uint8', dims: [], data: Uint8Array.of(0) });
  const weights = b.initializer('weights', {
    dtype: 'int8',
    dims: [filters, channels, 1, 1],
    data: new Int8Array(filters * channels).fill(127),
  });
  const x = b.input('x', 'float32', ['n', channels, size, size]);
  const bytes = b.node('QuantizeLinear', [x, scale, zero], {});
  const values = b.node('DequantizeLinear', [bytes, scale, zero], {});
  const filter = b.node('DequantizeLinear', [weights, scale], {});
  b.node('Conv', [values, filter], {}, { name: 'sums' });
  b.output('sums', 'float32', ['n', filters, size, size]);
  const session = await open(encodeModel(b.graph));
  try {
    const data = new Float32Array(channels * size * size).fill(255);
    const { sums } = await session.run({ x: new Tensor('float32', data, [1, channels, size, size]) });
    return (sums!.data as Float32Array).every((sum) => sum === 255 * 127 * channels);
  } finally {
    await session.release();
  }
}
