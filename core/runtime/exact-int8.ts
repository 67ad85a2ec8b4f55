import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/model-file.ts';
import { openSession, Tensor } from './session.ts';

/** Settings of a session, by onnxruntime's names. */
export type Int8Settings = { x64quantprecision?: '1' };

let settings: Promise<Int8Settings> | undefined;

/**
 * What every onnxruntime session that may run an int8 model is to be opened with, for exact sums on every processor.
 *
 * Without VNNI, AVX2 and AVX-512 add two products of bytes in 16 bits, which overflows with 8-bit weights:
 * one resnet14t got 64.3 % of CIFAR-100 right instead of 68.5 %. `session.x64quantprecision` (in
 * onnxruntime_session_options_config_keys.h) takes slower kernels that cannot overflow. It does so wherever those are
 * other kernels, so with AMX too, where nothing overflows and they are three times slower; hence it is asked for
 * only where a sum is seen to be wrong.
 */
export function exactInt8(): Promise<Int8Settings> {
  settings ??= sumsAreExact().then((exact): Int8Settings => (exact ? {} : { x64quantprecision: '1' }));
  return settings;
}

/** Tries what overflows first: a sum of the largest products there are. */
export async function sumsAreExact(config: Int8Settings = {}): Promise<boolean> {
  const [rows, inner, columns] = [8, 64, 16];
  const b = new GraphBuilder('sums');
  const a = b.input('a', 'uint8', [rows, inner]);
  const data = new Int8Array(inner * columns).fill(127);
  b.initializer('b', { dtype: 'int8', dims: [inner, columns], data });
  b.node('MatMulInteger', [a, 'b'], {}, { name: 'sums' });
  b.output('sums', 'int32', [rows, columns]);
  const session = await openSession(encodeModel(b.graph), { threads: 1, int8: false, config });
  const feed = new Tensor('uint8', new Uint8Array(rows * inner).fill(255), [rows, inner]);
  const { sums } = await session.run({ a: feed });
  await session.release();
  return (sums!.data as Int32Array).every((sum) => sum === 255 * 127 * inner);
}
