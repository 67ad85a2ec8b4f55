import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInstructionSets } from '../../core/cpu.ts';
import { describeReport } from '../../setup/doctor/describe.ts';
import { giveAdvice, planTraining, type Report } from '../../setup/doctor/examine.ts';
import { type Output, parseGpus, runProgram } from '../../setup/programs.ts';
import { readDevices } from '../../setup/tensorflow/probe.ts';
import { command } from '../commands/command.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const empty = await temporaryFolder();

/** Runs the doctor where no program, no browser and no data is to be found. */
function doctor(...args: string[]): Promise<Output> {
  const env = { ...process.env, PATH: empty, CHROMIUM_PATH: `${empty}/chromium`, CIFAR100_DIR: empty };
  return runProgram(process.execPath, command('doctor', ...args), { env });
}

/** A machine that has everything. */
const RICH: Report = {
  node: '20.19.0',
  platform: 'linux x64',
  cpu: {
    model: 'A processor',
    cores: 16,
    instructionSets: { avx2: true, avx512: true, vnni: true, bf16: false, amx: false },
    memoryMb: 131_072,
  },
  gpus: [{ name: 'NVIDIA A100', driver: '550.54', memoryMb: 81_920 }],
  onnxruntime: { version: '1.30.0', providers: [{ name: 'cpu' }, { name: 'cuda' }], blockSize: 16 },
  tensorflow: { version: '2.15.1', tfjs: '4.22.0', devices: ['NVIDIA A100 (79000 MB)'] },
  browser: '/usr/bin/chromium',
  data: { ready: true, text: 'dataset cifar100 from data' },
  models: ['resnet14t'],
  training: planTraining(16, true),
  advice: [],
};

test('with nothing installed the report is whole, as JSON', async () => {
  const { status, stdout, stderr } = await doctor('--json');
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual(report.gpus, []);
  assert.equal(report.browser, undefined);
  assert.equal(report.data.ready, false);
  assert.match(report.data.text, /^CIFAR100_DIR: /);
  assert.ok(report.cpu.cores >= 1 && report.cpu.memoryMb > 100);
  assert.ok('version' in report.onnxruntime);
  assert.deepEqual(report.onnxruntime.providers[0], { name: 'cpu' });
  assert.equal(report.training.engine, 'ort');
  assert.match(report.training.why, new RegExp(`^${report.cpu.cores} CPU cores?; `));
  const hows = report.advice.map(({ how }) => how).join('\n');
  assert.match(hows, /npm run data/);
  assert.match(hows, /CHROMIUM_PATH/);
});

test('for people it is a line a subject; an unknown option is refused', async () => {
  const { status, stdout } = await doctor();
  assert.equal(status, 0);
  for (const subject of [
    'cpu',
    'memory',
    'gpu',
    'onnxruntime',
    'tensorflow',
    'openvino',
    'browser',
    'data',
    'train',
  ]) {
    assert.match(stdout, new RegExp(`^${subject} +\\S`, 'm'));
  }
  const wrong = await doctor('--yaml');
  assert.match(wrong.stderr, /^error: there is no option --yaml/);
  assert.equal(wrong.status, 1);
});

test('a machine that has everything needs no advice', () => {
  assert.deepEqual(giveAdvice(RICH), []);
  const text = describeReport(RICH);
  assert.match(text, /^cpu +A processor, 16 cores; AVX2, AVX-512, VNNI, no BF16, no AMX$/m);
  assert.match(text, /^gpu +NVIDIA A100, 80\.0 GB, driver 550\.54$/m);
  assert.match(text, /^openvino +not set up \(npm run setup:openvino\)$/m);
  assert.match(describeReport({ ...RICH, openvino: '2026.4.1' }), /^openvino +2026\.4\.1$/m);
  assert.match(text, /^tensorflow +2\.15\.1 under tfjs-node 4\.22\.0, on NVIDIA A100 \(79000 MB\)$/m);
  assert.match(
    text,
    /^train +resnet18, batch 128, with onnxruntime \(.*\); with TensorFlow: --engine tfjs$/m,
  );
  assert.ok(!text.includes('for more'));
});

test('a GPU that is not used, and what does not load, are advised on', () => {
  const { tensorflow: _, ...without } = RICH;
  const hows = (findings: Omit<Report, 'advice'>) => giveAdvice(findings).map(({ how }) => how);
  assert.deepEqual(hows(without), ['npm run setup:tensorflow -- --gpu']);
  assert.deepEqual(hows({ ...without, gpus: [] }), ['npm run setup:tensorflow']);
  assert.deepEqual(hows({ ...without, platform: 'darwin arm64' }), []);
  assert.deepEqual(hows({ ...without, tensorflow: { error: 'x' } }), ['npm run setup:tensorflow -- --force']);
  assert.deepEqual(hows({ ...RICH, onnxruntime: { error: 'x' } }), ['npm ci']);
  const providers: Extract<Report['onnxruntime'], { version: string }>['providers'] = [
    { name: 'cpu' },
    { name: 'cuda', trouble: 'no library' },
  ];
  const withoutCuda = { ...RICH, onnxruntime: { version: '1.30.0', providers, blockSize: 16 } };
  assert.match(hows(withoutCuda)[0]!, /ONNXRUNTIME_NODE_INSTALL=cuda12/);
  assert.deepEqual(hows({ ...withoutCuda, gpus: [] }), []);
  assert.match(
    describeReport(withoutCuda),
    /^onnxruntime +1\.30\.0, providers cpu, not cuda \(no library\); NCHWc/m,
  );
  const noVnni = { ...RICH.cpu, instructionSets: { ...RICH.cpu.instructionSets!, vnni: false } };
  assert.deepEqual(hows({ ...RICH, cpu: noVnni }), ['npm run export -- --precision int8 --reduce-range']);
  assert.deepEqual(hows({ ...RICH, cpu: { ...RICH.cpu, instructionSets: undefined } }), []);
  const onCpu = { version: '2.15.1', tfjs: '4.22.0', devices: ['CPU'], gpuTrouble: 'no cuDNN' };
  assert.match(
    hows({ ...RICH, tensorflow: onCpu })[0]!,
    /CUDA 12 and cuDNN 8\.9 .*\(TensorFlow says: no cuDNN\)/,
  );
});

test('what the training command would choose follows the cores', () => {
  assert.equal(planTraining(16, false).model, 'resnet18');
  assert.equal(planTraining(2, false).model, 'resnet20');
  assert.deepEqual(planTraining(2, false).engines, ['ort']);
});

test("the operating system's and the driver's answers are read", () => {
  const flags = 'processor : 0\nflags\t\t: fpu avx2 avx512f avx_vnni\nprocessor : 1\n';
  assert.deepEqual(parseInstructionSets(flags), {
    avx2: true,
    avx512: true,
    vnni: true,
    bf16: false,
    amx: false,
  });
  assert.equal(parseInstructionSets('Features : neon\n'), undefined);
  assert.deepEqual(parseGpus('NVIDIA H100 80GB HBM3, 550.54.15, 81559\n\n'), [
    { name: 'NVIDIA H100 80GB HBM3', driver: '550.54.15', memoryMb: 81_559 },
  ]);
  assert.deepEqual(parseGpus('No devices were found\n'), []);
});

test("TensorFlow's log tells the GPUs, or why there are none", () => {
  const created =
    '2026-01-01 00:00:00.1: I tensorflow/core/common_runtime/gpu/gpu_device.cc:1929] Created device ' +
    '/job:localhost/replica:0/task:0/device:GPU:0 with 78000 MB memory:  -> device: 0, name: NVIDIA H100, pci bus id: 0\n';
  assert.deepEqual(readDevices(true, created), { devices: ['NVIDIA H100 (78000 MB)'] });
  assert.deepEqual(readDevices(true, ''), { devices: ['GPU'] });
  assert.deepEqual(readDevices(false, ''), { devices: ['CPU'] });
  const trouble =
    '2026-01-01 00:00:00.1: W tensorflow/core/common_runtime/gpu/gpu_device.cc:2256] Cannot dlopen some GPU ' +
    'libraries. Please make sure the missing libraries are installed.\nSkipping registering GPU devices...\n';
  assert.deepEqual(readDevices(false, trouble), {
    devices: ['CPU'],
    gpuTrouble: 'Cannot dlopen some GPU libraries',
  });
});
