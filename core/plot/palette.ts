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
  series: ['#0072b2', '#d55e00', '#00876c', '#aa4499', '#8a6d00', '#4d4d4d'],
};

export const DARK: Theme = {
  background: '#15181d',
  text: '#e6e9ee',
  muted: '#9aa4b0',
  grid: '#333a44',
  series: ['#56b4e9', '#ff8a3d', '#2cc295', '#e08dc0', '#f0d84a', '#c8c8c8'],
};

/** How many colours there are; a series beyond them repeats a colour with another dash pattern. */
export const PALETTE_SIZE = LIGHT.series.length;
