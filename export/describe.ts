import type { ModelAccuracy } from '../core/model-metadata.ts';
import { IR_VERSION, OPSET_VERSION } from '../core/onnx/model-file.ts';
import type { ExportResult } from './export-run.ts';
import { TOLERANCE } from './verify.ts';

/** What a person wants to know after an export, a line each, with the commands that come next. */
export function describeExport(result: ExportResult): string {
  const { path, bytes, parameters, maxDifference, metadata } = result;
  const file = shellWord(path);
  return [
    `model     ${metadata.model} (${metadata.dataset}, ${metadata.labels.length} classes) in ${path}`,
    `size      ${(bytes / 1e6).toFixed(2)} MB, ${parameters.toLocaleString('en')} parameters, batch norm folded`,
    `format    ONNX opset ${OPSET_VERSION}, IR ${IR_VERSION}, any batch size`,
    `accuracy  ${describeAccuracy(metadata.accuracy)}`,
    `verified  onnxruntime differs from the checkpoint by ${maxDifference.toExponential(1)} at most (allowed ${TOLERANCE})`,
    `serve it  npm run serve -- --model ${file}`,
    `demo      npm run demo -- --model ${file}`,
  ].join('\n');
}

function describeAccuracy(accuracy: ModelAccuracy | undefined): string {
  if (!accuracy) return 'not measured: these weights were saved amid an epoch';
  const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;
  return `top-1 ${percent(accuracy.top1)}, top-5 ${percent(accuracy.top5)} on ${accuracy.images} test images`;
}

/** A path as it can be pasted into a POSIX shell. */
function shellWord(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
