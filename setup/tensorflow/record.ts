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
