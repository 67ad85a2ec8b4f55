import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { readCpu } from '../core/cpu.ts';
import { UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/fs/atomic-write.ts';
import { describeInstructionSets } from '../setup/doctor/describe.ts';
import { measuredNet, parseNet } from './children/measured-net.ts';
import { findPeers } from './find-peers.ts';
import { measureBandwidth } from './memory-bandwidth.ts';
import type { BenchResults } from './report/report.ts';
import type { SuiteOptions } from './suites.ts';

const SUITES = ['train', 'forward', 'data', 'int8', 'scaling', 'serve'] as const;
/** Serving has peers of its own. */
const NO_PEERS = { peers: { tensorflow: false, compile: false }, versions: [], missing: [] };
type SuiteName = (typeof SUITES)[number];

await runMain(async () => {
  const argv = process.argv.slice(2);
  const { options, positionals } = parseOptions(
    {
      name: 'bench',
      summary: `Measures us and our peers by turns in one run: ${SUITES.join(', ')}; default the first three.`,
      positionals: 'SUITE...',
      options: {
        models: {
          type: 'string',
          value: 'A,B,...',
          help: 'models of the zoo; NAME@PIXELS: for images of that size; NAME=FILE.onnx: an export by PyTorch of what timm calls NAME',
          default: 'resnet20,resnet18,resnet50,efficientnet-lite0@64',
        },
        'batch-size': { type: 'integer', help: 'images a batch; default 128, 64 or 32, by the net', min: 1 },
        threads: { type: 'integer', help: 'threads; 0: as many as each takes by itself', default: 0, min: 0 },
        rounds: { type: 'integer', help: 'turns that each gets', default: 7, min: 1 },
        seconds: { type: 'number', help: 'about how long a turn takes', default: 2, min: 0.01 },
        python: {
          type: 'string',
          value: 'FILE',
          help: 'a Python with PyTorch, and timm for nets that are no ResNets (serve: with FastAPI and onnxruntime); default python3, if it has it',
        },
        compile: { type: 'boolean', help: 'also measure torch.compile', default: false },
        only: {
          type: 'string',
          value: 'A,B,...',
          help: "rows whose names contain one of these, e.g. 'ort,PyTorch fp32'; left out: all",
        },
        data: { type: 'string', value: 'DIR', help: 'where CIFAR-100 is; else CIFAR100_DIR, else ./data' },
        table: { type: 'string', value: 'FILE', help: 'write the tables there, as Markdown' },
        svg: { type: 'string', value: 'FILE', help: 'draw the roofline there' },
        json: { type: 'string', value: 'FILE', help: 'write the results there, as JSON' },
      },
    },
    argv,
  );
  const models = options.models.split(',');
  // A file that cannot be read is told now, not after hours.
  for (const model of models) if (parseNet(model).file !== undefined) await measuredNet(model);
  const suites = positionals.length > 0 ? positionals.map(checkSuite) : SUITES.slice(0, 3);
  const { peers, versions, missing } = suites.every((suite) => suite === 'serve')
    ? NO_PEERS
    : await findPeers(options.python, options.compile);
  for (const line of missing) process.stderr.write(`${line}\n`);
  const setup: SuiteOptions = {
    models,
    batchSize: options.batchSize,
    threads: options.threads,
    rounds: options.rounds,
    secondsPerTurn: options.seconds,
    peers,
    only: options.only?.split(','),
    data: options.data,
    onProgress: (text) => process.stderr.write(`measuring: ${text}\n`),
  };
  const cpu = readCpu();
  const results: BenchResults = {
    command: ['npm run bench', ...(argv.length > 0 ? ['--', ...argv] : [])].join(' '),
    machine: [
      `${cpu.model}, ${cpu.cores} cores, ${describeInstructionSets(cpu)}`,
      `Node ${process.versions.node}`,
      ...versions,
      new Date().toISOString().slice(0, 10),
    ],
  };
  let fault: unknown;
  try {
    await measure(suites, setup, options, results);
  } catch (error) {
    fault = error;
  }
  const { markdownReport, roofline } = await import('./report/report.ts');
  const hasResults = SUITES.some((suite) => (results[suite]?.length ?? 0) > 0);
  if (fault !== undefined && !hasResults) throw fault;
  // What was measured before the fault may have taken hours.
  const report = markdownReport(results);
  process.stdout.write(`${report}\n`);
  if (options.table !== undefined) await writeFileAtomic(options.table, `# Measurements\n\n${report}`);
  if (options.json !== undefined)
    await writeFileAtomic(options.json, `${JSON.stringify(results, null, 1)}\n`);
  const picture = options.svg === undefined ? undefined : await roofline(results);
  if (options.svg !== undefined && picture !== undefined) await writeFileAtomic(options.svg, picture);
  if (fault !== undefined) throw fault;
  if (options.svg !== undefined && picture === undefined) {
    throw new UserError('a roofline needs the suite train or forward');
  }
});

/** Fills in the results suite by suite and net by net. */
async function measure(
  suites: readonly SuiteName[],
  setup: SuiteOptions,
  options: { svg?: string | undefined; python?: string | undefined },
  results: BenchResults,
): Promise<void> {
  const { dataSuite, forwardSuite, scalingSuite, trainSuite } = await import('./suites.ts');
  if (options.svg !== undefined)
    results.bandwidth = await measureBandwidth(setup.threads, setup.secondsPerTurn);
  if (suites.includes('train')) {
    results.train = [];
    await trainSuite(setup, results.train);
  }
  if (suites.includes('forward')) {
    results.forward = [];
    await forwardSuite(setup, results.forward);
  }
  if (suites.includes('data')) {
    results.data = [];
    await dataSuite(setup, results.data);
  }
  if (suites.includes('int8')) {
    const { int8Suite } = await import('./int8/suite.ts');
    results.int8 = [];
    await int8Suite(setup, results.int8);
  }
  if (suites.includes('scaling')) {
    results.scaling = [];
    await scalingSuite(setup, results.scaling);
  }
  if (suites.includes('serve')) {
    const { serveSuite } = await import('./serve/suite.ts');
    results.serve = [];
    results.machine.splice(-1, 0, ...(await serveSuite({ ...setup, python: options.python }, results.serve)));
  }
}

function checkSuite(name: string): SuiteName {
  const suite = SUITES.find((known) => known === name);
  if (!suite) throw new UserError(`there is no suite "${name}"; the bench has ${SUITES.join(', ')}`);
  return suite;
}
