import { GraphBuilder } from '../../core/onnx/builder.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { runChild } from './child-main.ts';

/** The sum of two vectors too long for any cache, in onnxruntime: how fast memory is. `model` is their length. */
await runChild(async ({ model, threads }) => {
  const size = Number(model);
  const b = new GraphBuilder('stream');
  const x = b.input('a', 'float32', [size]);
  const y = b.input('b', 'float32', [size]);
  b.output(b.node('Add', [x, y], {}, { name: 'sum' }), 'float32', [size]);
  const session = await openSession(encodeModel(b.graph), { threads: threads });
  const vector = () => new Tensor('float32', new Float32Array(size).fill(0.5), [size]);
  const feeds = { a: vector(), b: vector() };
  const sum = vector();
  return {
    parameters: 0,
    run: async () => {
      // Into memory we own: a fresh output would measure how fast the system hands out pages.
      await session.run(feeds, { sum });
    },
    close: () => session.release(),
  };
});
