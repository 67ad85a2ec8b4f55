import type { Request } from 'express';
import type { StorageEngine } from 'multer';
import { bodyTooLarge } from './body-errors.ts';

/**
 * Multer storage that keeps files in memory and bounds what they hold together; multer itself only bounds
 * each file, and a body sent in chunks does not say its length beforehand.
 */
export class UploadStorage implements StorageEngine {
  readonly #maxBytes: number;
  readonly #received = new WeakMap<Request, number>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  _handleFile(
    req: Request,
    file: Express.Multer.File,
    done: (error?: unknown, info?: Partial<Express.Multer.File>) => void,
  ): void {
    let chunks: Buffer[] = [];
    let refused = false;
    file.stream.on('data', (chunk: Buffer) => {
      if (refused) return;
      const total = (this.#received.get(req) ?? 0) + chunk.length;
      this.#received.set(req, total);
      if (total > this.#maxBytes) {
        refused = true;
        chunks = [];
        done(bodyTooLarge(this.#maxBytes));
        return;
      }
      chunks.push(chunk);
    });
    file.stream.on('end', () => {
      if (refused) return;
      const buffer = Buffer.concat(chunks);
      done(null, { buffer, size: buffer.length });
    });
  }

  _removeFile(_req: Request, file: Express.Multer.File, done: (error: Error | null) => void): void {
    (file as Partial<Express.Multer.File>).buffer = Buffer.alloc(0);
    done(null);
  }
}
