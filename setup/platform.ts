import { UserError } from '../core/errors.ts';

/** What of a machine decides whether a wheel's libraries run on it. */
export interface Platform {
  os: string;
  arch: string;
  /** False on musl, e.g. Alpine. */
  glibc: boolean;
}

export function thisPlatform(): Platform {
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return { os: process.platform, arch: process.arch, glibc: report.header.glibcVersionRuntime !== undefined };
}

/**
 * @param what it is for, e.g. `TensorFlow`
 * @param instead what there is without it, for the message
 * @throws UserError where Linux wheels for x86-64 do not run
 */
export function checkPlatform({ os, arch, glibc }: Platform, what: string, instead: string): void {
  if (os === 'linux' && arch === 'x64' && glibc) return;
  const here = os === 'linux' && arch === 'x64' ? 'Linux without glibc' : `${os} ${arch}`;
  throw new UserError(`${what} is set up on Linux x86-64 with glibc only, and this is ${here}; ${instead}`);
}
