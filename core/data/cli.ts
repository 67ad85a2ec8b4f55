import { runMain } from '../cli/main.ts';
import { parseOptions } from '../cli/options.ts';
import { ProgressBar } from '../cli/progress.ts';
import { UserError } from '../errors.ts';
import { type Checksum, parseChecksum } from './checksum.ts';
import { CIFAR100_CHECKSUM, CIFAR100_URL, installCifar100 } from './install.ts';
import { DEFAULT_DATA_DIR } from './load.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'data',
      summary: 'Downloads CIFAR-100 (161 MB), verifies and unpacks it; an interrupted download goes on.',
      options: {
        dir: {
          type: 'string',
          value: 'DIR',
          default: DEFAULT_DATA_DIR,
          help: 'where cifar-100-binary/ goes',
        },
        url: { type: 'string', value: 'URL', default: CIFAR100_URL, help: 'the archive, e.g. on a mirror' },
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
  let bar: ProgressBar | undefined;
  const { folder, existed } = await installCifar100({
    dir: options.dir,
    url: options.url,
    checksum: chosenChecksum(options.md5, options.sha256),
    onProgress: (done, total) => {
      bar ??= new ProgressBar({ label: 'CIFAR-100', total, unit: 'bytes' });
      bar.update(done);
    },
  }).finally(() => bar?.finish());
  process.stdout.write(`CIFAR-100 is ${existed ? 'already ' : ''}in ${folder}\n`);
});

function chosenChecksum(md5: string | undefined, sha256: string | undefined): Checksum {
  if (md5 !== undefined && sha256 !== undefined) throw new UserError('give --md5 or --sha256, not both');
  if (sha256 !== undefined) return parseChecksum('sha256', sha256);
  return md5 === undefined ? CIFAR100_CHECKSUM : parseChecksum('md5', md5);
}
