import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { C_LIBRARY, libraryFolder } from '../../core/openvino/library.ts';

/** Why tests that run OpenVINO cannot, here; false where they can. Continuous integration does not set it up either. */
export const SKIP_WITHOUT_OPENVINO: string | false = existsSync(join(libraryFolder(), C_LIBRARY))
  ? false
  : 'OpenVINO is not set up here; npm run setup:openvino does it';
