import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { readInstalled, setUpInTerminal } from '../installed.ts';
import { checkPlatform, thisPlatform } from '../platform.ts';
import { readGpus } from '../programs.ts';
import type { InstalledLibrary, LibrarySource } from './library.ts';
import { projectPlaces } from './release.ts';
import { setUpTensorFlow } from './setup.ts';

const command = {
  name: 'setup:tensorflow',
  summary: 'Sets up TensorFlow for training: its library, the binding built against it, and a check of both.',
  options: {
    cpu: { type: 'boolean', help: 'the build for CPUs (207 MB); default without an NVIDIA GPU' },
    gpu: { type: 'boolean', help: 'the build for NVIDIA GPUs (472 MB), which runs on CPUs too' },
    from: {
      type: 'string',
      value: 'PATH',
      help: 'instead of a download: a wheel, an unpacked one, a site-packages folder, or a libtensorflow',
    },
    force: { type: 'boolean', help: 'do it all again', default: false },
  },
} as const;

await runMain(async () => {
  const { options } = parseOptions(command, process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const asked = [options.cpu && '--cpu', options.gpu && '--gpu', options.from && '--from'].filter(Boolean);
  if (asked.length > 1) throw new UserError(`give ${asked.join(' or ')}, not both`);
  checkPlatform(thisPlatform(), 'TensorFlow', 'npm run train trains without it');
  const places = projectPlaces();
  const { made, outcome } = await setUpInTerminal([places.unfinished, places.build], async (onProgress) =>
    setUpTensorFlow(places, {
      source: await chooseSource(options, places.library, say),
      force: options.force,
      say,
      onProgress,
    }),
  );
  const { facts, plan } = made;
  say(`TensorFlow ${facts.version} is ${outcome(plan.link)}`);
  say(`devices: ${facts.devices.join(', ')}`);
  if (facts.gpuTrouble !== undefined) say(`no GPU: ${facts.gpuTrouble}`);
});

/** What the options ask for; without them what is there already, else what suits the machine. */
async function chooseSource(
  options: {
    cpu?: boolean | undefined;
    gpu?: boolean | undefined;
    from?: string | undefined;
    force: boolean;
  },
  library: string,
  say: (line: string) => void,
): Promise<LibrarySource | undefined> {
  if (options.from !== undefined) return { from: options.from };
  if (options.cpu) return { variant: 'cpu' };
  if (options.gpu) return { variant: 'gpu' };
  const installed = await readInstalled<InstalledLibrary>(library);
  if (installed && installed.variant !== 'custom') return { variant: installed.variant };
  if (installed && !options.force) return undefined;
  const [gpu] = await readGpus();
  if (!gpu) return { variant: 'cpu' };
  say(`taking the build for GPUs, for there is an ${gpu.name}; --cpu takes the other`);
  return { variant: 'gpu' };
}
