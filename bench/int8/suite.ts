import { isSetUp } from '../../core/openvino/library.ts';
import type { SuiteOptions } from '../suites.ts';
import { type Int8Comparison, measureInt8 } from './measure.ts';

/** What servers run by default. */
const BATCH = 32;

/** The int8 export of each net against its fp32 export. */
export async function int8Suite(options: SuiteOptions, found: Int8Comparison[]): Promise<void> {
  const { batchSize = BATCH, threads, rounds } = options;
  const openvino = isSetUp();
  if (!openvino) options.onProgress('OpenVINO is not compared: npm run setup:openvino sets it up');
  for (const model of options.models) {
    options.onProgress(`int8 export of ${model}, batch ${batchSize}`);
    found.push(await measureInt8(model, { batchSize, threads, rounds, openvino }));
  }
}
