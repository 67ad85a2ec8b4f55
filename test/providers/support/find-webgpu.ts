import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findChromium } from '../../../setup/find-chromium.ts';

/** Where distributions put Chromium and its libraries; the command on the PATH may be a script elsewhere. */
const CHROMIUM_FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];

/**
 * The environment in which onnxruntime finds a Vulkan driver for WebGPU: SwiftShader, the one in software that
 * comes with Chromium and Chrome. Undefined where there is none.
 */
export async function softwareVulkan(): Promise<Record<string, string> | undefined> {
  const browser = findChromium();
  if (process.platform !== 'linux' || browser === undefined) return undefined;
  const folders = [dirname(realpathSync(browser)), ...CHROMIUM_FOLDERS];
  const folder = folders.find((candidate) => existsSync(join(candidate, 'vk_swiftshader_icd.json')));
  if (folder === undefined) return undefined;
  const paths = [process.env.LD_LIBRARY_PATH, folder].filter((path) => path);
  return {
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    // The loader, libvulkan.so.1, is there too.
    LD_LIBRARY_PATH: paths.join(':'),
  };
}
