import { UserError } from './errors.ts';

/**
 * Says of files that are often there in the place of a model or its weights what they are.
 * @throws UserError if it is a pointer of Git LFS or a web page
 */
export function refuseStandIns(bytes: Uint8Array, source: string): void {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  if (start.startsWith('version https://git-lfs')) {
    throw new UserError(
      `${source} is a pointer of Git LFS in the place of the file itself; git lfs pull gets that`,
    );
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(start)) {
    throw new UserError(`${source} is a web page in the place of the file itself; download that`);
  }
}
