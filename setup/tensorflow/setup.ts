import { existsSync } from 'node:fs';
import { cp, lstat, mkdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { bindingPath } from '../../core/tensorflow/binding.ts';
import { readInstalled, sourceName } from '../installed.ts';
import { buildBinding, checkBuildTools } from './build-binding.ts';
import { type InstalledLibrary, installLibrary, type LibrarySource } from './library.ts';
import { probeTensorFlow, type TensorFlowFacts } from './probe.ts';
import type { Places } from './release.ts';

export interface SetupOptions {
  /** What to install; absent: whatever is in the cache, else the build for the CPU. */
  source?: LibrarySource | undefined;
  /** Do all of it again. */
  force?: boolean;
  say: (line: string) => void;
  /** Called while a wheel is unpacked. */
  onProgress?: (done: number, total: number) => void;
}

/** The steps that a set-up still needs. */
export interface Plan {
  library: boolean;
  binding: boolean;
  link: boolean;
}

/**
 * Sets TensorFlow up: libraries into the cache, the binding built against them, both put into the package in
 * node_modules, and a convolution computed to prove it. What is done already is left alone.
 * @throws UserError if a step fails; only whole libraries and bindings are put in place
 */
export async function setUpTensorFlow(
  places: Places,
  options: SetupOptions,
): Promise<{ facts: TensorFlowFacts; plan: Plan }> {
  const { say, source = { variant: 'cpu' } } = options;
  if ('from' in source && !existsSync(source.from)) {
    throw new UserError(`there is no ${source.from}; give a wheel or a folder with --from`);
  }
  const plan = await planSetup(places, options);
  if (plan.binding) checkBuildTools();
  if (plan.library) await installLibrary(places, source, say, options.onProgress);
  if (plan.binding) {
    say("building tfjs-node's binding");
    await buildBinding(places);
  }
  if (plan.link) await linkPackage(places);
  const facts = await probeTensorFlow();
  if ('error' in facts) {
    const again = plan.library || plan.binding ? '' : '; npm run setup:tensorflow -- --force makes it anew';
    throw new UserError(`${facts.error}${again}`);
  }
  return { facts, plan };
}

/** What is missing or not what was asked for. */
export async function planSetup(
  places: Places,
  options: Pick<SetupOptions, 'source' | 'force'>,
): Promise<Plan> {
  const { source, force = false } = options;
  const installed = await readInstalled<InstalledLibrary>(places.library);
  const library = force || installed === undefined || !satisfies(installed, source);
  const binding = force || !existsSync(places.binding);
  return { library, binding, link: library || binding || !(await isLinked(places)) };
}

function satisfies(installed: InstalledLibrary, source: LibrarySource | undefined): boolean {
  if (source === undefined) return true;
  return 'from' in source
    ? installed.source === sourceName(source.from)
    : installed.variant === source.variant;
}

/** True if the package in node_modules has the link to the library and the cache's binding. */
async function isLinked(places: Places): Promise<boolean> {
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
