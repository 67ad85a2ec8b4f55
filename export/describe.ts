import { formatPercent } from '../core/cli/format.ts';
import { cleanLines } from '../core/cli/printable.ts';
import { fewClasses } from '../core/metrics/few-classes.ts';
import type { ScoreKind } from '../core/metrics/scores.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';
import { describeAgreement } from './card/model-card.ts';
import type { ForeignExport } from './export-foreign.ts';
import type { ExportResult } from './output/output-paths.ts';
import type { QuantizeReport } from './quantize/options.ts';
import { TOLERANCE } from './verify/verify-model.ts';

/** What a person wants to know after an export, a line each, with the commands that come next. */
export function describeExport(result: ExportResult, batch?: number): string {
  const { path, bytes, parameters, macs, metadata, files, quantization, keepsBatchNorm } = result;
  const { precision = 'fp32' } = metadata;
  const others = files.filter((file) => file !== path).join(', ');
  const lines = [
    `model     ${metadata.model} (${metadata.dataset}, ${metadata.labels.length} classes) in ${path}`,
    `with it   ${others}`,
    `size      ${(bytes / 1e6).toFixed(2)} MB, ${parameters.toLocaleString('en')} parameters, batch norm ${keepsBatchNorm ? 'kept' : 'folded'}`,
    ...(macs === undefined
      ? []
      : [`cost      ${(macs / 1e6).toFixed(1)} million multiply-accumulates an image`]),
    `format    ONNX opset ${result.opset}, IR ${result.irVersion}, ${precision}; ${describeInterface(result)}`,
    `accuracy  ${describeAccuracy(metadata)}${precision === 'fp32' ? '' : ', in float32'}`,
    ...(quantization ? [describeQuantization(quantization)] : []),
    `verified  ${describeVerification(result)}`,
    ...(precision === 'fp32' ? [] : [`agreement ${describeAgreement(result.agreement)}`]),
    ...nextCommands(result, batch),
  ];
  return cleanLines(lines.join('\n'));
}

/** The same of a model of another program, with what is to be known of it. */
export function describeForeign(result: ForeignExport, batch?: number): string {
  const { path, bytes, metadata, files, quantization, notes } = result;
  const { precision = 'fp32', labels, inputHeight, inputWidth } = metadata;
  const lines = [
    `model     ${metadata.model}, ${labels.length} classes, ${inputHeight}x${inputWidth}, in ${path}`,
    `with it   ${files.filter((file) => file !== path).join(', ')}`,
    `size      ${(bytes / 1e6).toFixed(2)} MB`,
    `format    ONNX opset ${result.opset}, IR ${result.irVersion}, ${precision}; ${describeInterface(result)}`,
    `scores    ${SCORES[metadata.scores ?? 'logits']}`,
    ...(quantization ? [describeQuantization(quantization)] : []),
    `verified  onnxruntime differs from the original by ${result.maxDifference.toExponential(1)} at most`,
    ...(precision === 'fp32' ? [] : [`agreement ${describeAgreement(result.agreement)}`]),
    ...notes.map((note) => `note      ${note}`),
    ...nextCommands(result, batch),
  ];
  return cleanLines(lines.join('\n'));
}

const SCORES: Readonly<Record<ScoreKind, string>> = {
  logits: 'logits, a softmax makes probabilities of them',
  'log-probabilities': 'probabilities, kept as their logarithms',
  independent:
    'independent probabilities, kept as their logarithms: a picture may show any number of classes',
};

function describeQuantization(report: QuantizeReport): string {
  const counts = Object.entries(report.quantized).map(([op, count]) => `${count} ${op}`);
  return `int8      ${counts.join(', ')}; ${report.weightBits}-bit weights, ${report.calibrationImages} images, ${report.method}`;
}

function describeInterface({ metadata, files }: ExportResult): string {
  const external = files.some((file) => file.endsWith('.data')) ? ', weights beside the model' : '';
  if (metadata.preprocessing === 'graph') return `uint8 NHWC pixels in, best classes out${external}`;
  return `${metadata.inputLayout} in, logits out${external}`;
}

function describeVerification({ maxDifference, metadata }: ExportResult): string {
  const { precision = 'fp32' } = metadata;
  const difference = `onnxruntime differs from the checkpoint by ${maxDifference.toExponential(1)} at most`;
  return precision === 'int8' ? difference : `${difference} (allowed ${TOLERANCE[precision]})`;
}

/** Server and page run models of the plain interface in one file, which take any number of images or one. */
function nextCommands({ path, metadata, files }: ExportResult, batch = 1): string[] {
  const plain = metadata.preprocessing !== 'graph' && metadata.inputLayout === 'NCHW' && batch === 1;
  if (!plain || files.some((file) => file.endsWith('.data'))) {
    return ['use it    as the model card says'];
  }
  const file = shellWord(path);
  return [`serve it  npm run serve -- --model ${file}`, `demo      npm run demo -- --model ${file}`];
}

function describeAccuracy({ accuracy, labels }: ClassifierMetadata): string {
  if (!accuracy) return 'not measured for these weights';
  const { top1, top5, images } = accuracy;
  return `top-1 ${formatPercent(top1)}${fewClasses(labels) ? '' : `, top-5 ${formatPercent(top5)}`} on ${images} test images`;
}

/** A path as it can be pasted into a POSIX shell. */
function shellWord(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
