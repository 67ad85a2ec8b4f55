import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Made by make-foreign.py there. */
export const FIXTURES = fileURLToPath(new URL('../fixtures/foreign', import.meta.url));

/** What PyTorch says about picture.png. */
export const EXPECTED = JSON.parse(readFileSync(join(FIXTURES, 'expected.json'), 'utf8')) as {
  labels: string[];
  mean: number[];
  std: number[];
  probabilities: number[];
};

const { labels, mean, std } = EXPECTED;

/** What has to be said about each model. */
export const PREPROCESSING: Record<string, object> = {
  legacy: { mean, std, labels },
  'legacy-one': { mean, std, labels },
  dynamo: { mean, std, labels: 'labels.txt' },
  'nhwc-uint8': { color: 'BGR', labels },
};

/** A copy of the fixtures in a folder of its own, with the JSON file of each model; removed after the tests. */
export function foreignFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'foreign-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(FIXTURES, folder, { recursive: true });
  for (const [name, json] of Object.entries(PREPROCESSING)) writeJson(folder, name, json);
  writeFileSync(join(folder, 'labels.txt'), `${labels.join('\n')}\n`);
  return folder;
}

export function writeJson(folder: string, name: string, json: unknown): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(json));
  return path;
}
