import { findProgram } from './programs.ts';

/** The browser to test in: the one that CHROMIUM_PATH names, else the one on the PATH; undefined if there is none. */
export function findChromium(): string | undefined {
  const given = process.env.CHROMIUM_PATH;
  return given ? findProgram(given) : findProgram('chromium', 'chromium-browser', 'google-chrome');
}
