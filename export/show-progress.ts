import { ProgressBar } from '../core/cli/progress.ts';
import type { ExportOptions } from './options.ts';

/** Fewer images are done before a bar could be read. */
const WORTH_SHOWING = 50;

/** Progress bars for the parts of an export that take long. */
export function showProgress(): { update: NonNullable<ExportOptions['onProgress']>; finish: () => void } {
  let current: { task: string; bar: ProgressBar } | undefined;
  const finish = (): void => {
    current?.bar.finish();
    current = undefined;
  };
  return {
    update: (task, done, total) => {
      if (total < WORTH_SHOWING) return;
      if (current?.task !== task) {
        finish();
        current = { task, bar: new ProgressBar({ label: task, total, unit: 'images' }) };
      }
      current.bar.update(done);
    },
    finish,
  };
}
