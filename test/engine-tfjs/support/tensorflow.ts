import { existsSync } from 'node:fs';
import { bindingPath } from '../../../core/tensorflow/binding.ts';

/**
 * Why tests of the engine cannot run here; false where they can. Continuous integration sets TensorFlow up, so
 * there nothing is skipped: the tests fail and say what is missing.
 */
export const SKIP_WITHOUT_TENSORFLOW: string | false =
  existsSync(bindingPath()) || process.env.CI === 'true'
    ? false
    : 'TensorFlow is not set up here; npm run setup:tensorflow -- --cpu does it';
