import { existsSync } from 'node:fs';
import { UserError } from '../../core/errors.ts';
import { buildBinding, checkBuildTools } from './build-binding.ts';
import {
  type InstalledLibrary,
  installLibrary,
  type LibrarySource,
  readInstalled,
  sourceName,
} from './library.ts';
import { isLinked, linkPackage } from './link.ts';
import type { Places } from './places.ts';
import { probeTensorFlow, type TensorFlowFacts } from './probe.ts';

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
  const installed = await readInstalled(places.library);
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
