/** Text from a directory's name or a file, without what could move a terminal's cursor or forge a line. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD');
}

/**
 * A name that others gave, such as a label, as it is kept and shown from then on: without control characters
 * and escape sequences, which a terminal obeys, and without what turns the direction of writing, which shows
 * another text than is there. Joiners, of which some scripts and emoji are made, stay.
 */
export function cleanText(text: string): string {
  return text.replace(/[\t\n\r]+/g, ' ').replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\uFEFF]/gu, '\uFFFD');
}

/** The same of a text of several lines, which stay. */
export function cleanLines(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}\uFEFF]/gu, '\uFFFD');
}

/** A value as JSON for the terminal: what {@link cleanLines} would take out is written as escapes, so none is lost. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\x7f-\x9f\p{Zl}\p{Zp}\p{Bidi_Control}\uFEFF]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A name that others gave, without a meaning as Markdown or HTML. */
export function plainMarkdown(text: string): string {
  return cleanText(text).replace(/[\\`*[\]<>|&]/g, '\\$&');
}
