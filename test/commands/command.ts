import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../onnx-classifier.js', import.meta.url));

/** Node's arguments that start one of our commands as `npm run NAME -- ARGS` does, in any folder. */
export function command(name: string, ...args: readonly string[]): string[] {
  return [LAUNCHER, name, ...args];
}
