import { Refusal } from '../../core/errors.ts';

/**
 * The bytes of an image sent as base64 text, bare or as a data URL (`data:image/png;base64,...`). Line breaks
 * and the URL-safe alphabet are accepted.
 * @throws Refusal 400 if it is not a string of base64
 */
export function decodeBase64Image(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw new Refusal(400, 'an image must be a string: base64 or a data URL');
  let text = value;
  if (text.startsWith('data:')) {
    const comma = text.indexOf(',');
    if (comma < 0 || !text.slice(0, comma).endsWith(';base64')) {
      throw new Refusal(400, 'a data URL must be of the form data:image/png;base64,...');
    }
    text = text.slice(comma + 1);
  }
  text = text.replace(/\s+/g, '');
  // Buffer.from skips what is not base64; without this check garbage would become a shorter image.
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) {
    throw new Refusal(400, 'the image is not valid base64');
  }
  return Buffer.from(text, 'base64');
}
