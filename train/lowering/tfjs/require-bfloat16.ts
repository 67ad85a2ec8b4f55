import { errorMessage, UserError } from '../../../core/errors.ts';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import { conv2d, conv2dFilterGradient, conv2dInputGradient } from './convolution/conv2d.ts';
import { filterGradientByProducts } from './convolution/filter-gradient-by-products.ts';
import type { ConvSetting } from './convolution/setting.ts';
import { Kernels } from './kernels.ts';

/** [batch, rows, columns, channels]: sums long enough to show how they are rounded. */
const IMAGE: [number, number, number, number] = [4, 32, 32, 8];
const FILTER: [number, number, number, number] = [3, 3, 8, 8];
const SETTING: ConvSetting = {
  type: 'bfloat16',
  strides: [1, 1],
  padding: 'SAME',
  margins: [
    [0, 0],
    [0, 0],
  ],
  inputShape: IMAGE,
  filterShape: FILTER,
};
/** Of a sum of so many ones, rounded on the way to bfloat16, no more than 256 are counted. */
const LONG = 512;
/** What rounding a result to bfloat16's 8 significant bits does at most. */
const ROUNDED_ONCE = 2 ** -8;

/**
 * Why TensorFlow cannot train in bfloat16 here; undefined where it can. Without AVX-512, oneDNN has no bfloat16
 * kernels, and TensorFlow takes ones that are ten times slower than float32's and round the sums on the way.
 */
export function bfloat16Trouble(tf: TensorFlow): string | undefined {
  try {
    return tf.tidy(() => {
      const k = new Kernels(tf);
      const [x, filter] = [tf.ones(IMAGE), tf.ones(FILTER)];
      const y = conv2d(k, SETTING, x, filter);
      conv2dInputGradient(k, SETTING, filter, y);
      const gradient = conv2dFilterGradient(k, SETTING, x, tf.ones(y.shape)).dataSync();
      const exact = gradient.every((sum, index) => {
        const pixels = pixelsOfTap(Math.floor(index / (FILTER[2] * FILTER[3])));
        return Math.abs(sum - pixels) <= ROUNDED_ONCE * pixels;
      });
      runOthers(k);
      const ones = k.cast(tf.ones([LONG, LONG]), 'bfloat16');
      const sums = k.run('BatchMatMulV2', [ones, ones], { adj_x: false, adj_y: false });
      const isExact =
        exact &&
        k
          .cast(sums, 'float32')
          .dataSync()
          .every((sum) => sum === LONG);
      return isExact ? undefined : 'its sums are rounded, and slow, without AVX-512 or a GPU';
    });
  } catch (error) {
    return errorMessage(error).split('\n')[0]!;
  }
}

/** The other kernels that a step runs in bfloat16, for a device to say which of them it lacks. */
function runOthers(k: Kernels): void {
  const { tf } = k;
  const x = k.cast(tf.ones(IMAGE), 'bfloat16');
  k.run('ReluGrad', [x, k.run('Relu', [x])]);
  k.run('AddV2', [x, x]);
  const [scale, shift, none] = [tf.ones([IMAGE[3]]), tf.zeros([IMAGE[3]]), tf.tensor1d([])];
  const attributes = { U: { type: 'float32' }, is_training: true } as const;
  const results = k.all('FusedBatchNormV3', 6, [x, scale, shift, none, none], attributes);
  k.all('FusedBatchNormGradV3', 5, [x, x, scale, ...results.slice(3)], attributes);
  filterGradientByProducts(k, SETTING, x, x);
}

/** How many pixels of the images a tap of the padded filter reads. */
function pixelsOfTap(tap: number): number {
  const [images, rows, columns] = IMAGE;
  const isMiddle = (step: number) => step === 1;
  const height = isMiddle(Math.floor(tap / FILTER[1])) ? rows : rows - 1;
  const width = isMiddle(tap % FILTER[1]) ? columns : columns - 1;
  return images * height * width;
}

/** @throws UserError if TensorFlow cannot train in bfloat16 here */
export function requireBfloat16(tf: TensorFlow): void {
  const trouble = bfloat16Trouble(tf);
  if (trouble === undefined) return;
  throw new UserError(
    `TensorFlow cannot compute in bfloat16 on this machine (${trouble}); train with --precision fp32`,
  );
}
