import { UserError } from '../../core/errors.ts';

/** What a wheel's RECORD says of one of its files. */
export interface RecordedFile {
  /** Lower-case hexadecimal. */
  sha256: string;
  bytes: number;
}

/**
 * Parses a wheel's RECORD, a CSV of `path,sha256=<URL-safe base64>,size`. Lines without a digest, as RECORD's
 * own, are left out.
 * @see https://packaging.python.org/en/latest/specifications/recording-installed-packages/
 */
export function parseRecord(text: string): Map<string, RecordedFile> {
  const files = new Map<string, RecordedFile>();
  for (const line of text.split(/\r?\n/)) {
    // Only a path with a comma or a quote in it is quoted.
    const match = /^(?:"((?:[^"]|"")*)"|([^,"]*)),sha256=([\w-]{43})=*,(\d+)$/.exec(line);
    if (!match) continue;
    const [, quoted, plain, digest, bytes] = match;
    const path = quoted?.replaceAll('""', '"') ?? plain!;
    files.set(path, { sha256: Buffer.from(digest!, 'base64url').toString('hex'), bytes: Number(bytes) });
  }
  return files;
}

/**
 * Compares a file with its line in RECORD.
 * @param source where the file came from, for the message
 * @throws UserError if it has no line or another digest
 */
export function checkRecorded(
  record: ReadonlyMap<string, RecordedFile>,
  path: string,
  sha256: string,
  source: string,
): void {
  const expected = record.get(path);
  if (!expected)
    throw new UserError(`${source} has no checksum for ${path} in its RECORD; get the wheel again`);
  if (expected.sha256 !== sha256) {
    throw new UserError(`${path} in ${source} is damaged or changed: its SHA-256 is not the one in RECORD`);
  }
}

/** TensorFlow's libraries in a wheel; the second is loaded by the first. */
export const WHEEL_LIBRARIES = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
] as const;

/** The headers that the binding includes, directly or not. Of a wheel's 155 MB of headers these are 6. */
const HEADER_FOLDERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/c/', 'tsl/platform/'];

const WHEEL_HEADERS = 'tensorflow/include/';

/** True for a path below `include/` that the build may read. */
export function isNeededHeader(path: string): boolean {
  return path.endsWith('.h') && HEADER_FOLDERS.some((folder) => path.startsWith(folder));
}

/** Where a file of a wheel goes in the library folder; undefined if it is not needed. */
export function wheelTarget(path: string): string | undefined {
  if ((WHEEL_LIBRARIES as readonly string[]).includes(path)) {
    return `lib/${path.slice('tensorflow/'.length)}`;
  }
  if (!path.startsWith(WHEEL_HEADERS)) return undefined;
  const header = path.slice(WHEEL_HEADERS.length);
  return isNeededHeader(header) ? `include/${header}` : undefined;
}
