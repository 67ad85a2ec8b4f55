import { type Browser, chromium } from 'playwright-core';
import { findChromium } from '../../setup/find-chromium.ts';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // A camera that shows a test picture, allowed without asking.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

/** A GPU that the processor imitates, so that WebGPU is there on any machine. */
export const SOFTWARE_GPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
];

/** The browser to test in; undefined if there is none. */
export const CHROMIUM: string | undefined = findChromium();

/** For a `describe`: why it is skipped, or false. In CI a missing browser is an error. */
export const SKIP_WITHOUT_CHROMIUM: string | false = CHROMIUM
  ? false
  : 'there is no Chromium; install it or set CHROMIUM_PATH';
if (SKIP_WITHOUT_CHROMIUM && process.env.CI === 'true') throw new Error(SKIP_WITHOUT_CHROMIUM);

/** Starts the browser without a window. */
export function launchChromium(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM!, args: [...ARGUMENTS, ...more] });
}
