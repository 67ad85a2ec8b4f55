/** Where a legend's entry stands, relative to the legend's top left. */
export interface LegendEntry<T> {
  item: T;
  /** What fits, with an ellipsis if it is not the whole name. */
  text: string;
  x: number;
  row: number;
}

/** Width of the line drawn before a name, and the space after it. */
export const SWATCH = 22;
export const SWATCH_GAP = 6;
const ENTRY_GAP = 18;

/** Sets the entries in rows no wider than `width`. */
export function layOutLegend<T extends { name: string }>(
  items: readonly T[],
  width: number,
  fontSize: number,
): LegendEntry<T>[] {
  const entries: LegendEntry<T>[] = [];
  let x = 0;
  let row = 0;
  for (const item of items) {
    const text = shortenText(item.name, width - SWATCH - SWATCH_GAP, fontSize);
    const entryWidth = SWATCH + SWATCH_GAP + textWidth(text, fontSize);
    if (x > 0 && x + entryWidth > width) {
      x = 0;
      row++;
    }
    entries.push({ item, text, x, row });
    x += entryWidth + ENTRY_GAP;
  }
  return entries;
}

/** Cuts a text to a width, in the middle: names of runs often differ at their ends. */
export function shortenText(text: string, width: number, fontSize: number): string {
  if (textWidth(text, fontSize) <= width) return text;
  const characters = [...text];
  let kept = characters.length - 1;
  const cut = () =>
    `${characters.slice(0, Math.ceil(kept / 2)).join('')}…${characters.slice(characters.length - Math.floor(kept / 2)).join('')}`;
  while (kept > 1 && textWidth(cut(), fontSize) > width) kept--;
  return cut();
}

/** A text in lines no wider than `width`, between words; a longer word is cut in its middle. */
export function wrapText(text: string, width: number, fontSize: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer, fontSize) <= width) lines[lines.length - 1] = longer;
    else lines.push(shortenText(word, width, fontSize));
  }
  return lines;
}

/** About how wide a text is; the font is the reader's, so it can only be guessed, and is guessed wide. */
export function textWidth(text: string, fontSize: number): number {
  let units = 0;
  for (const character of text) {
    // East Asian characters and emoji fill a square.
    units += character.codePointAt(0)! >= 0x2e80 ? 1 : /[A-Z%@mwMW_]/.test(character) ? 0.78 : 0.55;
  }
  return units * fontSize;
}
