import { errorMessage } from '../../core/errors.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { OpenVinoSession } from '../../core/openvino/session.ts';
import { tensor } from '../../core/runtime/session.ts';
import type { ProbeAnswer } from './setup.ts';

/** A product of whole numbers, which is exact in float32 whatever its order. */
async function probe(): Promise<ProbeAnswer> {
  const [rows, inner, columns] = [5, 33, 17];
  const a = Float32Array.from({ length: rows * inner }, (_, i) => (i % 7) - 3);
  const b = Float32Array.from({ length: inner * columns }, (_, i) => (i % 5) - 2);
  try {
    const builder = new GraphBuilder('probe');
    builder.input('a', 'float32', ['rows', inner]);
    const weights = builder.initializer('b', floatTensor([inner, columns], b));
    builder.node('MatMul', ['a', weights], {}, { name: 'product' });
    builder.output('product', 'float32', ['rows', columns]);
    const begin = performance.now();
    const session = await OpenVinoSession.create(encodeModel(builder.graph));
    const { product } = await session.run({ a: tensor(a, [rows, inner]) });
    await session.release();
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let i = 0; i < inner; i++) sum += a[row * inner + i]! * b[i * columns + column]!;
        const given = product!.data[row * columns + column];
        if (given !== sum) return { error: `OpenVINO computes wrongly: ${given} where ${sum} is right` };
      }
    }
    return { milliseconds: performance.now() - begin };
  } catch (error) {
    return { error: errorMessage(error) };
  }
}

// Last on its line of its own: what is loaded may print, too.
process.stdout.write(`\n${JSON.stringify(await probe())}\n`);
