import { UserError } from '../../core/errors.ts';

/** What of a machine decides whether TensorFlow's wheels run on it. */
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

/** @throws UserError where TensorFlow's Linux wheels do not run */
export function checkPlatform({ os, arch, glibc }: Platform): void {
  if (os === 'linux' && arch === 'x64' && glibc) return;
  const here = os === 'linux' && arch === 'x64' ? 'Linux without glibc' : `${os} ${arch}`;
  throw new UserError(
    `TensorFlow is set up on Linux x86-64 with glibc only, and this is ${here}; npm run train trains without it`,
  );
}
