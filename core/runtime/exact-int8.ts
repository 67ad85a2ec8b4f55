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

const [ROWS, INNER, COLUMNS] = [8, 64, 16];

/** Tries what overflows first: a sum of the largest products there are. */
export async function sumsAreExact(config: Int8Settings = {}): Promise<boolean> {
  const session = await openSession(sumsModel(), { threads: 1, int8: false, config });
  const feed = new Tensor('uint8', new Uint8Array(ROWS * INNER).fill(255), [ROWS, INNER]);
  const { sums } = await session.run({ a: feed });
  await session.release();
  return (sums!.data as Int32Array).every((sum) => sum === 255 * 127 * INNER);
}

/**
 * The model that is tried, MatMulInteger of `a` [8, 64] and an initializer [64, 16] of 127, in the fields of onnx.proto.
 * Written here, for each thread of a server tries it, and loading what writes models takes three times as long as that.
 */
export function sumsModel(): Uint8Array<ArrayBuffer> {
  const [uint8, int8, int32] = [2, 3, 6];
  const text = (field: number, value: string) => message(field, [...Buffer.from(value)]);
  const value = (field: number, name: string, type: number, dims: readonly number[]) => {
    const shape = dims.flatMap((dim) => message(1, integer(1, dim)));
    const tensorType = message(1, integer(1, type), message(2, shape));
    return message(field, text(1, name), message(2, tensorType));
  };
  const node = [...text(1, 'a'), ...text(1, 'b'), ...text(2, 'sums'), ...text(3, 'sums')];
  const b = [...integer(1, INNER), ...integer(1, COLUMNS), ...integer(2, int8), ...text(8, 'b')];
  return Uint8Array.from([
    ...integer(1, 8), // IR version
    ...message(
      7,
      message(1, node, text(4, 'MatMulInteger')),
      text(2, 'sums'),
      message(5, b, message(9, Array(INNER * COLUMNS).fill(127))),
      value(11, 'a', uint8, [ROWS, INNER]),
      value(12, 'sums', int32, [ROWS, COLUMNS]),
    ),
    ...message(8, integer(2, 17)), // operator set
  ]);
}

/** A field of protocol buffers that holds bytes: others, a string or raw data. */
function message(field: number, ...parts: readonly (readonly number[])[]): number[] {
  const bytes = parts.flat();
  const { length } = bytes;
  return [(field << 3) | 2, ...(length < 128 ? [length] : [(length & 127) | 128, length >> 7]), ...bytes];
}

/** One that holds an integer below 128. */
function integer(field: number, value: number): number[] {
  return [field << 3, value];
}
