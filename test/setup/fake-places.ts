import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Places, projectPlaces } from '../../setup/tensorflow/release.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { writeTree } from './fake-wheel.ts';

/** A project's places in a fresh folder, with a package that has nothing but its manifest. */
export async function fakePlaces(): Promise<Places> {
  const root = await temporaryFolder();
  const tfjs = join(root, 'node_modules', 'tfjs');
  await mkdir(tfjs, { recursive: true });
  await writeTree(tfjs, { 'package.json': '{"name":"tfjs","version":"4.22.0"}' });
  return projectPlaces(join(root, '.tensorflow'), tfjs);
}
