import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, UserError } from '../../errors.ts';
import { openRegularFile } from '../../fs/regular-file.ts';
import type { DataFiles } from './data-files.ts';

const CHUNK_BYTES = 1 << 20;

/** The files in a folder. */
export class FolderFiles implements DataFiles {
  /** @param advice what to do about a missing file, to end a message with */
  constructor(
    readonly folder: string,
    readonly advice: string,
  ) {}

  describe(name: string): string {
    return join(this.folder, name);
  }

  async size(name: string): Promise<number> {
    const path = this.describe(name);
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new UserError(
        error.code === 'ENOENT'
          ? `${path} is missing; ${this.advice}`
          : `cannot read ${path}: ${errorMessage(error)}`,
      );
    });
    if (!info.isFile()) throw new UserError(`${path} is not a file; ${this.advice}`);
    return info.size;
  }

  async *chunks(name: string): AsyncGenerator<Uint8Array> {
    const path = this.describe(name);
    try {
      const file = await openRegularFile(path);
      yield* file.createReadStream({ highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
    } catch (error) {
      throw new UserError(`cannot read ${path}: ${errorMessage(error)}`);
    }
  }
}
