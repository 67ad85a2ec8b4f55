import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpochLog } from '../../train/loop.ts';
import { CONFIG } from '../export/trained-run.ts';

/** Writes a run's config and log, without checkpoints. */
export async function writeRunFiles(
  path: string,
  epochs: readonly EpochLog[],
  config: Record<string, unknown> = {},
): Promise<void> {
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'config.json'), JSON.stringify({ ...CONFIG, labels: [...'abcdef'], ...config }));
  await writeFile(join(path, 'log.jsonl'), epochs.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}
