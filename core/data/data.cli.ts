import { runMain } from '../cli/main.ts';
import { type ParsedOptions, parseOptions } from '../cli/options.ts';
import { printable } from '../cli/printable.ts';
import { ProgressBar } from '../cli/progress.ts';
import { UserError } from '../errors.ts';
import { type Checksum, parseChecksum } from './checksum.ts';
import { DOWNLOADS, type Downloadable, installDataset } from './install.ts';
import { DATASET_CHOICES, type DatasetChoice, DEFAULT_DATA_DIR, loadDataset } from './load.ts';
import { reportDataset, reportLines } from './report/dataset-report.ts';

const command = {
  name: 'data',
  summary:
    'Downloads CIFAR-100 or CIFAR-10 (162 MB), verifies and unpacks it; with --report, looks for faults in any dataset.',
  options: {
    dataset: {
      type: 'string',
      value: 'NAME',
      help: 'dataset; default cifar100, with --report what is found',
      choices: DATASET_CHOICES,
    },
    dir: {
      type: 'string',
      value: 'DIR',
      help: "where the dataset's folder goes",
      default: DEFAULT_DATA_DIR,
    },
    url: {
      type: 'string',
      value: 'URL',
      help: 'the archive, e.g. on a mirror; default the official one',
    },
    md5: {
      type: 'string',
      value: 'HEX',
      help: "what the archive must hash to; default the official one's",
    },
    sha256: { type: 'string', value: 'HEX', help: 'a SHA-256 to check instead of the MD5' },
    report: {
      type: 'boolean',
      help: 'download nothing; say how many images each class has, and which are duplicates (under which labels), broken or odd',
      default: false,
    },
    data: {
      type: 'string',
      value: 'DIR',
      help: 'report: folder or archive of the data; else CIFAR100_DIR, else ./data',
    },
    'image-size': {
      type: 'integer',
      help: 'report: height and width that the images of a folder get; default 32',
      min: 8,
      max: 512,
    },
    json: { type: 'boolean', help: 'report: as JSON, with all images named', default: false },
  },
} as const;

type Options = ParsedOptions<(typeof command)['options']>;

await runMain(async () => {
  const { options, given } = parseOptions(command, process.argv.slice(2));
  const misplaced = (options.report ? ['dir', 'url', 'md5', 'sha256'] : ['data', 'imageSize', 'json']).find(
    (key) => given.has(key),
  );
  if (misplaced !== undefined) {
    const flag = misplaced === 'imageSize' ? '--image-size' : `--${misplaced}`;
    throw new UserError(
      options.report
        ? `${flag} is for a download; a report takes --data DIR`
        : `${flag} is for --report; add it`,
    );
  }
  return options.report ? report(options) : download(options);
});

async function report({ dataset: choice = 'auto', data, imageSize, json }: Options): Promise<void> {
  const notes: string[] = [];
  const broken: string[] = [];
  const dataset = await loadDataset({
    dataset: choice as DatasetChoice,
    dir: data,
    imageSize,
    // Class folders alone can be looked at too.
    trainOnly: true,
    skipBroken: true,
    onBroken: (line) => broken.push(line),
    onNote: (line) => {
      if (!line.startsWith('left out')) notes.push(line);
    },
  });
  const found = reportDataset(dataset, { broken, notes });
  const lines = json ? [JSON.stringify(found)] : reportLines(found).map(printable);
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function download(options: Options): Promise<void> {
  const { dataset: name = 'cifar100' } = options;
  const dataset = Object.keys(DOWNLOADS).find((known): known is Downloadable => known === name);
  if (dataset === undefined) {
    throw new UserError(
      `--dataset ${name} is nothing to download; give ${Object.keys(DOWNLOADS).join(' or ')}, or --report`,
    );
  }
  const { title } = DOWNLOADS[dataset].variant;
  let bar: ProgressBar | undefined;
  const { folder, existed } = await installDataset({
    dataset,
    dir: options.dir,
    url: options.url,
    checksum: chosenChecksum(options.md5, options.sha256),
    onProgress: (done, total) => {
      bar ??= new ProgressBar({ label: title, total, unit: 'bytes' });
      bar.update(done);
    },
  }).finally(() => bar?.finish());
  process.stdout.write(`${title} is ${existed ? 'already ' : ''}in ${folder}\n`);
}

/** Undefined: the official archive's. */
function chosenChecksum(md5: string | undefined, sha256: string | undefined): Checksum | undefined {
  if (md5 !== undefined && sha256 !== undefined) throw new UserError('give --md5 or --sha256, not both');
  if (sha256 !== undefined) return parseChecksum('sha256', sha256);
  return md5 === undefined ? undefined : parseChecksum('md5', md5);
}
