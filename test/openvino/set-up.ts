import { isSetUp } from '../../core/openvino/library.ts';

/** Why tests that run OpenVINO cannot, here; false where they can. Continuous integration does not set it up either. */
export const SKIP_WITHOUT_OPENVINO: string | false = isSetUp()
  ? false
  : 'OpenVINO is not set up here; npm run setup:openvino does it';
