import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import { displayPath } from './model-file.ts';
import { NEWEST } from './options.ts';

/**
 * The model of a training run, as a file that can be served: `best.onnx` in the run's directory, exported and verified
 * unless it is there already, of that very checkpoint.
 * @param run its directory, or `newest`: the newest below `root` that has finished an epoch
 * @param say told what is done before it takes seconds
 * @throws UserError if there is no such run, it has finished no epoch, or it cannot be exported
 */
export async function modelOfRun(
  run: string,
  say: (line: string) => void = () => {},
  root = 'runs',
): Promise<string> {
  const found =
    run === NEWEST && !existsSync(NEWEST)
      ? await RunDirectory.latest(undefined, root)
      : RunDirectory.open(run);
  if (!found) {
    throw new UserError(
      `no run under ${root}/ has a best checkpoint; train one with npm run train, or leave out --run`,
    );
  }
  const checkpoint = await stat(found.checkpointPath('best')).catch(() => undefined);
  if (!checkpoint) throw new UserError(`${found.path} has no best checkpoint: no epoch of it is done`);
  const out = join(found.path, 'best.onnx');
  const exported = await stat(out).catch(() => undefined);
  if (exported !== undefined && exported.mtimeMs >= checkpoint.mtimeMs) return out;
  say(`exporting ${displayPath(found.path)}, best checkpoint, to ${displayPath(out)}`);
  const exporter = await import('../export/export-model.ts').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    // As in the container.
    throw new UserError(
      'this is the server alone, which cannot export: use npm run export elsewhere, and --model',
    );
  });
  return (await exporter.exportRun({ run: found, out })).path;
}
