import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorMessage, oneLine, UserError } from '../../core/errors.ts';
import efficientnetLite0 from '../../recipes/efficientnet-lite0.ts';
import efficientnetLite0At160 from '../../recipes/efficientnet-lite0-160.ts';
import efficientnetLite0Plain from '../../recipes/efficientnet-lite0-plain.ts';
import embedded from '../../recipes/embedded.ts';
import fast from '../../recipes/fast.ts';
import finetune from '../../recipes/finetune.ts';
import hour from '../../recipes/hour.ts';
import quarterHour from '../../recipes/quarter-hour.ts';
import reference from '../../recipes/reference.ts';
import threeHours from '../../recipes/three-hours.ts';
import { parseRecipe } from './parse.ts';
import type { Recipe } from './settings.ts';

/** The recipes of `recipes/` by name. */
export const PRESETS = {
  fast,
  'quarter-hour': quarterHour,
  hour,
  'three-hours': threeHours,
  embedded,
  finetune,
  'efficientnet-lite0': efficientnetLite0,
  'efficientnet-lite0-160': efficientnetLite0At160,
  'efficientnet-lite0-plain': efficientnetLite0Plain,
  reference,
} as const satisfies Record<string, Recipe>;
export type PresetName = keyof typeof PRESETS;

export const PRESET_CLI_OPTION = {
  preset: {
    type: 'string',
    value: 'NAME',
    help: 'a whole recipe of recipes/, whose options may still be given: fast for CPUs, quarter-hour, hour and three-hours for the most that so much time gives there, embedded for resnet14t in models/, finetune to go on from a trained net (--from), efficientnet-lite0, then efficientnet-lite0-160, then efficientnet-lite0-plain for the fine-tuned model in models/, reference for ResNet-50 on a GPU; RECIPE is a file of your own, .ts, .js or .json',
    choices: Object.keys(PRESETS),
  },
} as const;

/**
 * The recipe that a command line names as a preset or a file, of which one is given at most.
 * @throws UserError if both are, or the file cannot be read or holds none
 */
export async function namedRecipe(files: readonly string[], preset: string | undefined): Promise<Recipe> {
  if (files.length + (preset === undefined ? 0 : 1) > 1) {
    throw new UserError('one recipe at a time; give one file or --preset');
  }
  if (preset !== undefined) return PRESETS[preset as PresetName];
  return files[0] === undefined ? {} : readRecipe(files[0]);
}

/**
 * Reads a recipe: a .ts or .js file's default export, or a .json file.
 * @throws UserError if it cannot be read or holds none
 */
export async function readRecipe(path: string): Promise<Recipe> {
  const load = LOADERS[extname(path)];
  if (!load) {
    const presets = Object.keys(PRESETS).join(', ');
    throw new UserError(
      `a recipe is a .ts, .js or .json file, not ${path}; by --preset there are ${presets}`,
    );
  }
  if (!existsSync(path)) throw new UserError(`there is no recipe ${path}`);
  let recipe: unknown;
  try {
    recipe = await load(path);
  } catch (error) {
    throw new UserError(`cannot load ${path}: ${oneLine(errorMessage(error))}`);
  }
  return parseRecipe(recipe, path);
}

const LOADERS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  '.json': async (path) => JSON.parse(await readFile(path, 'utf8')),
  '.js': loadModule,
  '.mjs': loadModule,
  '.ts': loadModule,
  '.mts': loadModule,
};

/** By tsx, which takes JavaScript too and does not ask for a package.json beside the file. */
async function loadModule(path: string): Promise<unknown> {
  const { tsImport } = await import('tsx/esm/api');
  const module = (await tsImport(pathToFileURL(resolve(path)).href, import.meta.url)) as {
    default?: unknown;
  };
  const exported = module.default as { default?: unknown } | null | undefined;
  // Where the folder is none of ES modules, the file's exports are the default one.
  return typeof exported === 'object' && exported !== null && '__esModule' in exported
    ? exported.default
    : exported;
}
