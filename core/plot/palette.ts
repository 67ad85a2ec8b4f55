/** The colours of a chart on light or on dark ground. */
export interface Theme {
  background: string;
  text: string;
  muted: string;
  grid: string;
  series: readonly string[];
}

// After Okabe and Ito's palette, which people with any of the common colour deficiencies can tell apart;
// shades moved so that every line has a contrast of at least 3:1 with its ground (WCAG 1.4.11).
export const LIGHT: Theme = {
  background: '#ffffff',
  text: '#1f2328',
  muted: '#59636e',
  grid: '#d8dde3',
  series: ['#0072b2', '#d55e00', '#006644', '#862d70', '#664d00', '#222222'],
};

export const DARK: Theme = {
  background: '#15181d',
  text: '#e6e9ee',
  muted: '#9aa4b0',
  grid: '#333a44',
  series: ['#56b4e9', '#ff8a3d', '#44d5a4', '#c6538c', '#f5e389', '#ffffff'],
};

/** How many colours there are; a series beyond them repeats a colour with another dash pattern. */
export const PALETTE_SIZE = LIGHT.series.length;
