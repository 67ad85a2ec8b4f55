import util from 'node:util';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { checkConvolution } from '../../setup/tensorflow/check-convolution.ts';
import { detectBlockSize } from '../../train/lowering/ort/block-size.ts';

/** For tensorflow.test.ts: what a training command may do in one process, on a Node of the future. */
Object.assign(util, { isNullOrUndefined: undefined, isArray: undefined });
await detectBlockSize();
const tf = await loadTensorFlow();
// Its kernel calls util.isNullOrUndefined.
const { values } = tf.topk(tf.tensor1d([1, 5, 3]), 2);
const fault = checkConvolution(tf);
await detectBlockSize();
process.stdout.write(`${values.dataSync()} of 1,5,3; convolution ${fault ?? 'right'}\n`);
