import { errorMessage } from '../../../core/errors.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { openSession, Tensor } from '../../../core/runtime/session.ts';
import { useMixedPrecision } from '../../lowering/ort/mixed-precision.ts';
import { StepBuilder } from '../../lowering/ort/step-builder.ts';
import type { ProbeAnswer } from './probe.ts';

const [provider, precision] = process.argv.slice(2) as [string, string];

async function probe(): Promise<ProbeAnswer> {
  const b = new StepBuilder('probe', 0, true);
  const product = b.matmul(b.input('x', [2, 2]), b.input('y', [2, 2]));
  if (precision === 'fp16') useMixedPrecision(b, [product.name]);
  b.output('product', product);
  try {
    const session = await openSession(encodeModel(b.graph), {
      executionProviders: [provider],
      quiet: true,
      int8: false,
    });
    const matrix = (...values: number[]) => new Tensor('float32', Float32Array.from(values), [2, 2]);
    const result = await session.run({ x: matrix(1, 2, 3, 4), y: matrix(5, 6, 7, 8) });
    const data = [...(result.product!.data as Float32Array)];
    return data.join() === '19,22,43,50' ? {} : { error: `it computes wrongly: ${data.join()}` };
  } catch (error) {
    return { error: shorten(errorMessage(error)) };
  }
}

/** onnxruntime puts source files, functions and conditions before what it has to say. */
function shorten(message: string): string {
  const line = message.split('\n')[0]!;
  const said = line.split(/ was false\. |Status Message: /).at(-1)!;
  return said.replace(/^(OrtSessionOptionsAppend\w+: |.*?\.cc:\d+ \S+ )/, '').replace(/[.\s]+$/, '');
}

// Last on its line of its own: drivers may print, too.
process.stdout.write(`\n${JSON.stringify(await probe())}\n`);
