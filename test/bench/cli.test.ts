import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { command } from '../commands/command.ts';

/* What it measures is for cli.slow.ts. */

for (const [args, message] of [
  [['trian'], /error: there is no suite "trian"; the bench has train, forward/],
  [['--models', 'resnet21'], /error: there is no model "resnet21"/],
  // More where there are peers.
  [['train', '--only', 'caffe'], /^error: --only caffe names none of what is measured: ours, `ort`(; .+)?$/m],
  [['--models', 'resnet8,vit=/no/file.onnx'], /error: cannot read \/no\/file\.onnx: /],
  [['--python', '/no/python'], /error: \/no\/python has no PyTorch/],
] as const) {
  test(`bench ${args.join(' ')} is refused in one line`, async () => {
    await assert.rejects(
      promisify(execFile)(process.execPath, command('bench', ...args)),
      (error: { code: number; stderr: string }) => {
        assert.equal(error.code, 1);
        assert.match(error.stderr, message);
        // Before it there may be a line for each peer that is missing.
        const lines = error.stderr.trim().split('\n');
        return lines.findIndex((line) => line.startsWith('error: ')) === lines.length - 1;
      },
    );
  });
}
