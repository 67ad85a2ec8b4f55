import { errorMessage } from '../../core/errors.ts';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { checkConvolution } from './check-convolution.ts';
import type { ProbeAnswer } from './probe.ts';

/** What the backend has beyond tfjs's interface. */
interface NodeBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_Version: string };
}

async function probe(): Promise<ProbeAnswer> {
  try {
    const tf = await loadTensorFlow();
    const backend = tf.backend() as unknown as NodeBackend;
    const fault = checkConvolution(tf);
    if (fault !== undefined) return { error: `TensorFlow computes wrongly: ${fault}` };
    return {
      tensorflow: backend.binding.TF_Version,
      tfjs: tf.version['tfjs-node'],
      gpu: backend.isUsingGpuDevice,
    };
  } catch (error) {
    return { error: errorMessage(error) };
  }
}

// Last on its line of its own: what is loaded may print, too.
process.stdout.write(`\n${JSON.stringify(await probe())}\n`);
