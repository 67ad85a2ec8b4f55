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
