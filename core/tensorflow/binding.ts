import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UserError } from '../errors.ts';

/** That of package.json, where it is optional: who only serves, or trains in onnxruntime, needs none of it. */
const TESTED_VERSION = '4.22.0';

/** Newest Node-API version that tfjs-node builds its binding for; an older Node offers less. */
const NEWEST_NODE_API = 8;

/**
 * The folder of the installed package that the binding belongs to.
 * @throws UserError if the package is not installed
 */
export function tfjsFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json'));
  } catch {
    throw new UserError(
      `@tensorflow/tfjs-node-gpu is not installed; npm install @tensorflow/tfjs-node-gpu@${TESTED_VERSION} brings it (in a checkout, npm ci)`,
    );
  }
}

/** The version of the package in that folder. */
export function tfjsVersion(packageFolder = tfjsFolder()): string {
  const manifest = readFileSync(join(packageFolder, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The folder's name under the package's `lib/`, as node-pre-gyp forms it: `napi-v8`. */
export function nodeApiFolder(): string {
  return `napi-v${Math.min(NEWEST_NODE_API, Number(process.versions.napi))}`;
}

/** Where tfjs-node looks for its native binding. */
export function bindingPath(packageFolder = tfjsFolder()): string {
  return join(packageFolder, 'lib', nodeApiFolder(), 'tfjs_binding.node');
}
