import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { isInstalled } from './linters.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/kubernetes', import.meta.url));

export interface Manifest {
  kind: string;
  metadata?: { name: string };
  resources?: string[];
  // biome-ignore lint/suspicious/noExplicitAny: manifests have many shapes; the tests look at a few places.
  spec?: any;
}

/** What the files of `deploy/kubernetes` hold, by their names; each is one document without duplicate keys. */
export async function readManifests(): Promise<Map<string, Manifest>> {
  const all = new Map<string, Manifest>();
  for (const file of await readdir(FOLDER)) {
    const text = await readFile(join(FOLDER, file), 'utf8');
    const documents = parseAllDocuments(text, { uniqueKeys: true, strict: true });
    assert.equal(documents.length, 1, file);
    assert.deepEqual([...documents[0]!.errors, ...documents[0]!.warnings], [], file);
    all.set(file, parse(text) as Manifest);
  }
  return all;
}

/** What `kubectl apply -k` sends: as kubectl renders it, or, where there is none, the files that it would. */
export async function renderManifests(): Promise<string> {
  if (isInstalled('kubectl', 'version', '--client')) {
    return execFileSync('kubectl', ['kustomize', FOLDER], { encoding: 'utf8' });
  }
  const { resources } = parse(await readFile(join(FOLDER, 'kustomization.yaml'), 'utf8')) as Manifest;
  const texts = await Promise.all(resources!.map((file) => readFile(join(FOLDER, file), 'utf8')));
  return texts.join('---\n');
}
