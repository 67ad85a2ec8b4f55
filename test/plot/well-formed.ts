import assert from 'node:assert/strict';

const TOKEN =
  /<!doctype html>|<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|&(?:amp|lt|gt|quot|#39);|[^<&]/gy;
const VOID = new Set(['meta']);

/**
 * Fails unless the markup is tags that close in order, quoted attributes and known entities.
 * @returns the elements, in order of their opening
 */
export function assertWellFormed(markup: string): { name: string; attributes: Record<string, string> }[] {
  const open: string[] = [];
  const elements: { name: string; attributes: Record<string, string> }[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < markup.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(markup);
    assert.ok(token, `not well-formed at ${at}: ${markup.slice(at, at + 60)}`);
    const [, closing, name, attributes, empty] = token;
    if (name === undefined) continue;
    if (closing) {
      assert.equal(open.pop(), name, `</${name}> at ${at} closes another element`);
      continue;
    }
    const pairs = [...attributes!.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]);
    assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, `attribute twice at ${at}`);
    elements.push({ name, attributes: Object.fromEntries(pairs) });
    if (!empty && !VOID.has(name)) open.push(name);
  }
  assert.deepEqual(open, []);
  return elements;
}
