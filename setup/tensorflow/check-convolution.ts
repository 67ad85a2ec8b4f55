import type { TensorFlow } from '../../core/tensorflow/load-tfjs.ts';

/*
 * A 2x2 convolution over a 3x3 image, worked out by hand: with the filter 1 2 / 3 4 over the image
 * 1 2 3 / 4 5 6 / 7 8 9, the first output is 1*1 + 2*2 + 3*4 + 4*5 = 37. The gradients are for outputs
 * weighted 1 -1 / 2 0, which tells every output from the others.
 */
const IMAGE = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const FILTER = [1, 2, 3, 4];
const WEIGHTS = [1, -1, 2, 0];
const EXPECTED = {
  output: [37, 47, 67, 77],
  'gradient of the filter': [7, 9, 13, 15],
  'gradient of the image': [1, 1, -2, 5, 5, -4, 6, 8, 0],
};

/**
 * Runs a convolution and its gradients.
 * @returns what came out wrong, in words; undefined if nothing did
 */
export function checkConvolution(tf: TensorFlow): string | undefined {
  return tf.tidy(() => {
    const image = tf.tensor4d(IMAGE, [1, 3, 3, 1]);
    const filter = tf.tensor4d(FILTER, [2, 2, 1, 1]);
    const convolve = (x: typeof image, w: typeof filter) => tf.conv2d(x, w, 1, 'valid');
    const gradients = tf.grads((x, w) => convolve(x as typeof image, w as typeof filter));
    const [ofImage, ofFilter] = gradients([image, filter], tf.tensor4d(WEIGHTS, [1, 2, 2, 1]));
    const actual = {
      output: convolve(image, filter).dataSync(),
      'gradient of the filter': ofFilter!.dataSync(),
      'gradient of the image': ofImage!.dataSync(),
    };
    for (const [what, expected] of Object.entries(EXPECTED)) {
      const values = [...actual[what as keyof typeof actual]];
      const same =
        values.length === expected.length &&
        values.every((value, i) => Math.abs(value - expected[i]!) < 1e-4);
      if (!same) return `the ${what} of a convolution is ${values.join(' ')}, not ${expected.join(' ')}`;
    }
    return undefined;
  });
}
