import { cp, lstat, mkdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { bindingPath } from '../../core/tensorflow/binding.ts';
import type { Places } from './places.ts';

/** True if the package in node_modules has the link to the library and the cache's binding. */
export async function isLinked(places: Places): Promise<boolean> {
  try {
    if ((await readlink(join(places.tfjs, 'deps'))) !== libraryFrom(places)) return false;
    const [cached, linked] = await Promise.all([stat(places.binding), stat(bindingPath(places.tfjs))]);
    // Copied with its time, so an older build of the same size is told apart.
    return cached.size === linked.size && Math.abs(cached.mtimeMs - linked.mtimeMs) < 1;
  } catch {
    return false;
  }
}

/**
 * Links the package in node_modules to the library in the cache and copies the binding into it. The binding
 * is not linked: it looks for the library relative to where it really lies.
 */
export async function linkPackage(places: Places): Promise<void> {
  const deps = join(places.tfjs, 'deps');
  const temporary = `${deps}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  await symlink(libraryFrom(places), temporary);
  // A folder there, from tfjs-node's own installer, would not give way to a rename.
  if ((await lstat(deps).catch(() => undefined))?.isDirectory()) await rm(deps, { recursive: true });
  await rename(temporary, deps);

  const binding = bindingPath(places.tfjs);
  await mkdir(dirname(binding), { recursive: true });
  const copy = `${binding}.${process.pid}.tmp`;
  await cp(places.binding, copy, { preserveTimestamps: true });
  await rename(copy, binding);
}

/** Relative, so that the project can be moved. */
function libraryFrom(places: Places): string {
  return relative(places.tfjs, places.library);
}
