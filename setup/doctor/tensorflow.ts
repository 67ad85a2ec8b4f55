import { existsSync } from 'node:fs';
import { errorMessage } from '../../core/errors.ts';
import { bindingPath } from '../../core/tensorflow/binding.ts';
import { probeTensorFlow, type TensorFlowFacts } from '../tensorflow/probe.ts';

/** TensorFlow as it runs here; undefined if it is not set up, or why it does not run. */
export async function readTensorFlow(): Promise<TensorFlowFacts | { error: string } | undefined> {
  try {
    if (!existsSync(bindingPath())) return undefined;
    return await probeTensorFlow();
  } catch (error) {
    return { error: errorMessage(error) };
  }
}
