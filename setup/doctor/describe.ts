import type { CpuFacts } from '../../core/cpu.ts';
import type { Report } from './examine.ts';

/** The report for people, a line a subject. */
export function describeReport(report: Report): string {
  const { cpu, onnxruntime, tensorflow, training } = report;
  const gpus = report.gpus.map(
    ({ name, memoryMb, driver }) => `${name}, ${gigabytes(memoryMb)}, driver ${driver}`,
  );
  const alternative = training.engines.includes('tfjs') ? '; with TensorFlow: --engine tfjs' : '';
  const rows: [subject: string, text: string][] = [
    ['node', `${report.node} on ${report.platform}`],
    ['cpu', `${cpu.model}, ${cpu.cores} cores; ${describeInstructionSets(cpu)}`],
    ['memory', gigabytes(cpu.memoryMb)],
    ['gpu', gpus.length > 0 ? gpus.join('; ') : 'none with an NVIDIA driver'],
    [
      'onnxruntime',
      'error' in onnxruntime ? `does not load: ${onnxruntime.error}` : describeOrt(onnxruntime),
    ],
    [
      'tensorflow',
      !tensorflow
        ? 'not set up'
        : 'error' in tensorflow
          ? tensorflow.error
          : `${tensorflow.version} under tfjs-node ${tensorflow.tfjs}, on ${tensorflow.devices.join(', ')}`,
    ],
    ['openvino', report.openvino ?? 'not set up (npm run setup:openvino)'],
    ['browser', report.browser ?? 'none found'],
    ['data', report.data.text],
    ['models', report.models.join(', ') || 'none embedded'],
    [
      'train',
      `${training.model}, batch ${training.batchSize}, with onnxruntime (${training.why})${alternative}`,
    ],
  ];
  const lines = rows.map(([subject, text]) => `${subject.padEnd(12)} ${text}`);
  if (report.advice.length > 0) lines.push('', 'for more:');
  for (const { gain, how } of report.advice) lines.push(`  ${gain}: ${how}`);
  return lines.join('\n');
}

/** Which instruction sets the processor has, and which not, e.g. `AVX2, no AVX-512, no VNNI, no BF16, no AMX`. */
export function describeInstructionSets({ instructionSets }: CpuFacts): string {
  if (!instructionSets) return 'instruction sets unknown';
  const names = Object.entries(instructionSets).map(
    ([name, has]) => `${has ? '' : 'no '}${name.toUpperCase()}`,
  );
  return names.join(', ').replaceAll('AVX512', 'AVX-512');
}

function describeOrt(facts: Exclude<Report['onnxruntime'], { error: string }>): string {
  const working = facts.providers.filter(({ trouble }) => trouble === undefined).map(({ name }) => name);
  const broken = facts.providers.flatMap(({ name, trouble }) => (trouble ? [`${name} (${trouble})`] : []));
  const but = broken.length > 0 ? `, not ${broken.join(', ')}` : '';
  const blocks = facts.blockSize > 0 ? `NCHWc blocks of ${facts.blockSize}` : 'no NCHWc kernels';
  return `${facts.version}, providers ${working.join(', ')}${but}; ${blocks}`;
}

function gigabytes(mb: number): string {
  return `${(mb / 1024).toFixed(1)} GB`;
}
