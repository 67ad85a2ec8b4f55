import { runMain } from '../cli/main.ts';
import { parseOptions } from '../cli/options.ts';
import { ProgressBar } from '../cli/progress.ts';
import { UserError } from '../errors.ts';
import { type Checksum, parseChecksum } from './checksum.ts';
import { DOWNLOADS, type Downloadable, installDataset } from './install.ts';
import { DEFAULT_DATA_DIR } from './load.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'data',
      summary:
        'Downloads CIFAR-100 or CIFAR-10 (162 MB), verifies and unpacks it; an interrupted download goes on.',
      options: {
        dataset: {
          type: 'string',
          value: 'NAME',
          default: 'cifar100',
          choices: Object.keys(DOWNLOADS),
          help: 'dataset',
        },
        dir: {
          type: 'string',
          value: 'DIR',
          default: DEFAULT_DATA_DIR,
          help: "where the dataset's folder goes",
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
      },
    },
    process.argv.slice(2),
  );
  const dataset = options.dataset as Downloadable;
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
});

/** Undefined: the official archive's. */
function chosenChecksum(md5: string | undefined, sha256: string | undefined): Checksum | undefined {
  if (md5 !== undefined && sha256 !== undefined) throw new UserError('give --md5 or --sha256, not both');
  if (sha256 !== undefined) return parseChecksum('sha256', sha256);
  return md5 === undefined ? undefined : parseChecksum('md5', md5);
}
