import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { OPENVINO_VERSION } from '../../core/openvino/library.ts';
import { setUpInTerminal } from '../installed.ts';
import { checkPlatform, thisPlatform } from '../platform.ts';
import { openVinoPlaces, setUpOpenVino } from './setup.ts';

const command = {
  name: 'setup:openvino',
  summary:
    'Sets OpenVINO up as a second runtime (--runtime openvino): its libraries from their wheel, and a check.',
  options: {
    from: { type: 'string', value: 'FILE', help: 'a wheel of openvino, instead of a download (59 MB)' },
    force: { type: 'boolean', help: 'do it all again', default: false },
  },
} as const;

await runMain(async () => {
  const { options } = parseOptions(command, process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  checkPlatform(thisPlatform(), 'OpenVINO', 'onnxruntime serves without it');
  const places = openVinoPlaces();
  const { made: isNew, outcome } = await setUpInTerminal([places.unfinished], (onProgress) =>
    setUpOpenVino(places, { from: options.from, force: options.force, say, onProgress }),
  );
  say(`OpenVINO ${OPENVINO_VERSION} is ${outcome(isNew)}`);
});
