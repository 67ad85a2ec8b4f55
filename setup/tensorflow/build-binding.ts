import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { bindingPath } from '../../core/tensorflow/binding.ts';
import { findProgram, runProgram } from '../programs.ts';
import type { Places } from './release.ts';

/** What of the package the build reads. */
const SOURCES = ['binding', 'binding.gyp', 'package.json'];

/**
 * Checks that node-gyp finds what it needs, before anything is downloaded.
 * @throws UserError that names what is missing
 */
export function checkBuildTools(): void {
  const { CXX, MAKE, PYTHON, npm_config_python } = process.env;
  const needed = [
    ['a C++ compiler (g++)', CXX ?? 'g++'],
    ['make', MAKE ?? 'make'],
    ['Python 3', npm_config_python ?? PYTHON ?? 'python3', 'python'],
  ] as const;
  const missing = needed.filter(([, ...names]) => findProgram(...names.map(firstWord)) === undefined);
  if (missing.length === 0) return;
  throw new UserError(
    `building TensorFlow's binding takes ${missing.map(([what]) => what).join(' and ')}, not found here; ` +
      'on Debian or Ubuntu, apt-get install build-essential python3',
  );
}

/**
 * Builds tfjs-node's native binding against the libraries in the cache and puts it there too.
 * @throws UserError if the build fails; the whole output is then in `places.buildLog`
 */
export async function buildBinding(places: Places): Promise<void> {
  const folder = places.build;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  try {
    for (const name of SOURCES) await cp(join(places.tfjs, name), join(folder, name), { recursive: true });
    await symlink(places.library, join(folder, 'deps'));
    // Resolved from the package: it pins a version of its own.
    const builder = createRequire(join(places.tfjs, 'package.json')).resolve(
      '@mapbox/node-pre-gyp/bin/node-pre-gyp',
    );
    const output = await runProgram(process.execPath, [builder, 'install', '--build-from-source'], {
      cwd: folder,
      env: { ...process.env, ...nodeHeaders() },
    });
    const built = bindingPath(folder);
    if (output.status !== 0 || !existsSync(built)) {
      const log = `${output.stdout}\n${output.stderr}`;
      await writeFileAtomic(places.buildLog, log);
      throw new UserError(
        `building TensorFlow's binding fails: ${reason(log)}; all of it is in ${places.buildLog}`,
      );
    }
    await rm(places.buildLog, { force: true });
    await mkdir(dirname(places.binding), { recursive: true });
    // Beside the target first: the temporary folder may be on another file system.
    const temporary = `${places.binding}.${process.pid}.tmp`;
    await cp(built, temporary);
    await rename(temporary, places.binding);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Points node-gyp to the headers that came with Node, where they did; it would download them otherwise. Node
 * from nodejs.org, nvm and NodeSource has them.
 */
function nodeHeaders(): Record<string, string> {
  if (process.env.npm_config_nodedir) return {};
  const root = dirname(dirname(process.execPath));
  const complete = ['node_api.h', 'common.gypi', 'config.gypi'].every((name) =>
    existsSync(join(root, 'include', 'node', name)),
  );
  return complete ? { npm_config_nodedir: root } : {};
}

/** The line of a build's output that says most. */
function reason(log: string): string {
  const lines = log.split('\n').map((line) => line.trim());
  const line =
    lines.find((candidate) => /\berror:|cannot find -l|undefined reference/.test(candidate)) ??
    lines.find((candidate) => /^gyp ERR! (?:stack )?(?:Error|find Python)/.test(candidate)) ??
    lines.find((candidate) => /ERR!/.test(candidate)) ??
    'no reason given';
  return line.replace(/^(?:gyp|node-pre-gyp) ERR! (?:stack )?/, '');
}

/** `CXX` may be `ccache g++`. */
function firstWord(command: string): string {
  return command.trim().split(/\s+/)[0]!;
}
