const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Characters that XML 1.0 has no way to write, lone surrogates among them, and those that show another text than
 * is there: they turn the direction of writing.
 */
const FORBIDDEN =
  /[^\t\n\r\u{20}-\u{7E}\u{A0}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]|[\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** Text made safe between tags and in quoted attributes, of XML and of HTML. */
export function escapeXml(text: string): string {
  return text.replace(FORBIDDEN, '\uFFFD').replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** An element. Attribute values are escaped, undefined ones left out; the children are markup already. */
export function element(
  name: string,
  attributes: Record<string, string | number | undefined>,
  ...children: string[]
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeXml(typeof value === 'number' ? shorten(value) : value!)}"`)
    .join('');
  const content = children.join('');
  return content === '' ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}

/** A coordinate to a hundredth of a pixel: what an eye can see, in few bytes. */
export function shorten(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/**
 * The beginning of a page that needs nothing beside it, up to its body; it may load nothing.
 * @param script by its hash, the only one that may run
 */
export function pageHead({
  title,
  style,
  script,
}: {
  title: string;
  style: string;
  script?: string;
}): string {
  const run = script === undefined ? '' : `; script-src '${script}'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'${run}">
<title>${escapeXml(title)}</title>
<style>${style}</style>
</head>`;
}
