import { existsSync } from 'node:fs';
import { bindingPath } from '../../../core/tensorflow/binding.ts';
import { loadTensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import { bfloat16Trouble } from '../../../train/lowering/tfjs/require-bfloat16.ts';

/**
 * Why tests of the engine cannot run here; false where they can. Continuous integration sets TensorFlow up, so
 * there nothing is skipped: the tests fail and say what is missing.
 */
export const SKIP_WITHOUT_TENSORFLOW: string | false =
  existsSync(bindingPath()) || process.env.CI === 'true'
    ? false
    : 'TensorFlow is not set up here; npm run setup:tensorflow -- --cpu does it';

/** Why bfloat16 cannot be tried here, in continuous integration too: no installation gives a processor AVX-512. */
export async function skipWithoutBfloat16(): Promise<string | false> {
  if (SKIP_WITHOUT_TENSORFLOW) return SKIP_WITHOUT_TENSORFLOW;
  return bfloat16Trouble(await loadTensorFlow()) ?? false;
}
