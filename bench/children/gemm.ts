import { GraphBuilder } from '../../core/onnx/builder.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { runChild } from './child-main.ts';

/** A square matrix product in onnxruntime: what the machine can do at best. `model` is its size. */
await runChild(async ({ model, threads }) => {
  const size = Number(model);
  const b = new GraphBuilder('gemm');
  const x = b.input('a', 'float32', [size, size]);
  const y = b.input('b', 'float32', [size, size]);
  b.output(b.node('MatMul', [x, y], {}, { name: 'product' }), 'float32', [size, size]);
  const session = await openSession(encodeModel(b.graph), { threads: threads });
  const matrix = () =>
    new Tensor(
      'float32',
      Float32Array.from({ length: size * size }, (_, i) => Math.sin(i)),
      [size, size],
    );
  const feeds = { a: matrix(), b: matrix() };
  return {
    parameters: 0,
    run: async () => {
      await session.run(feeds);
    },
    close: () => session.release(),
  };
});
