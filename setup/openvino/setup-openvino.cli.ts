import { rmSync } from 'node:fs';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { formatDuration, ProgressBar } from '../../core/cli/progress.ts';
import { watchSignals } from '../../core/cli/signals.ts';
import { OPENVINO_VERSION } from '../../core/openvino/library.ts';
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
  // Also clears a download that Ctrl-C breaks off.
  const release = watchSignals(() => {
    rmSync(places.unfinished, { recursive: true, force: true });
    process.exit(130);
  });
  const start = performance.now();
  let bar: ProgressBar | undefined;
  try {
    const isNew = await setUpOpenVino(places, {
      from: options.from,
      force: options.force,
      say,
      onProgress: (done, total) => {
        bar ??= new ProgressBar({ label: 'unpack', total, unit: 'bytes' });
        bar.update(done);
        if (done === total) bar.finish();
      },
    });
    const done = isNew
      ? `set up in ${formatDuration((performance.now() - start) / 1000)}`
      : 'already set up; --force does it again';
    say(`OpenVINO ${OPENVINO_VERSION} is ${done}`);
  } finally {
    release();
  }
});
