import { Refusal } from '../../core/errors.ts';

/** Deeper than any request needs: a tensor's list has one level for each dimension. */
const MAX_DEPTH = 32;
/** More than any request needs: an object takes longer to make than the same bytes of numbers. */
const MAX_KEYS = 10_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parses JSON of others. Its depth and the number of its keys are looked at before, in a few milliseconds: deep
 * nesting and very many objects take seconds of what comes after.
 * @param body UTF-8
 * @param example what a request looks like, for the message
 * @throws Refusal 400 if it is not JSON, or more nested than a request can be
 */
export function readJson(body: Uint8Array, example: string): unknown {
  checkNesting(body);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new Refusal(400, `the body is not valid JSON; send ${example}`);
  }
}

function checkNesting(body: Uint8Array): void {
  let depth = 0;
  let keys = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) {
      at = endOfString(body, at + 1);
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > MAX_DEPTH) throw new Refusal(400, `the JSON is nested deeper than ${MAX_DEPTH} levels`);
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    } else if (byte === 0x3a && ++keys > MAX_KEYS) {
      throw new Refusal(400, `the JSON has more than ${MAX_KEYS} keys`);
    }
  }
}

/** @returns where the closing quote is, or the end of what there is */
function endOfString(body: Uint8Array, from: number): number {
  for (let at = from; ; at++) {
    at = body.indexOf(QUOTE, at);
    if (at < 0) return body.length;
    let backslashes = 0;
    while (at - 1 - backslashes >= from && body[at - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}

/**
 * Bytes of JSON that are read in the main thread, in a millisecond or two: a few images of CIFAR's size. 10 MB
 * take 100 ms, and as many as 4 s if they are made for it, so larger bodies are read by a thread.
 */
export const LARGE_JSON = 64_000;
