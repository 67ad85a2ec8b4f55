import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../errors.ts';
import { openRegularFile } from '../fs/regular-file.ts';

/** What a file must hash to. */
export interface Checksum {
  algorithm: 'md5' | 'sha256';
  /** Lower-case hexadecimal. */
  hex: string;
}

const HEX_DIGITS = { md5: 32, sha256: 64 };

/**
 * Checks and normalises a checksum given by the user.
 * @throws UserError if it is not as many hexadecimal digits as the algorithm has
 */
export function parseChecksum(algorithm: Checksum['algorithm'], text: string): Checksum {
  const hex = text.trim().toLowerCase();
  if (!/^[0-9a-f]*$/.test(hex) || hex.length !== HEX_DIGITS[algorithm]) {
    throw new UserError(`--${algorithm} takes ${HEX_DIGITS[algorithm]} hexadecimal digits, not "${text}"`);
  }
  return { algorithm, hex };
}

/** The digest of a file in lower-case hexadecimal, read as a stream. */
export async function fileDigest(path: string, algorithm: Checksum['algorithm']): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline((await openRegularFile(path)).createReadStream(), hash);
  return hash.digest('hex');
}
