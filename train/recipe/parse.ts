import * as z from 'zod/mini';
import { camelCase, nearest } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { flagOf } from './command-line.ts';
import { settle } from './make-config.ts';
import { type Recipe, recipeSchema, SETTINGS, type TrainConfig, trainConfigSchema } from './settings.ts';

/** What the configs of all runs have; what came later has a default in {@link trainConfigSchema}. */
const FIRST_KEYS = [
  ...['model', 'dataset', 'trainImages', 'epochs', 'batchSize', 'optimizer', 'learningRate', 'momentum'],
  ...['nesterov', 'weightDecay', 'schedule', 'warmupFraction', 'labelSmoothing', 'crop', 'flip', 'seed'],
  ...['engine', 'replicas', 'labels'],
];

/**
 * Reads a run's config.json back, also one of an older trainer. What it says of the data is read by
 * `readDatasetRecord`. A key that is not known is refused: it may decide the result, and the run would go on as
 * another.
 * @throws UserError naming the first key that is missing, unknown or has a value that it cannot have
 */
export function parseTrainConfig(json: Record<string, unknown>, source: string): TrainConfig {
  const { imageSize: _, normalization: __, data: ___, ...config } = json;
  const missing = FIRST_KEYS.filter((key) => config[key] === undefined);
  if (missing.length > 0)
    throw new UserError(`${source} lacks ${missing.join(', ')}; it is not a training config`);
  const { success, data, error } = z.safeParse(trainConfigSchema, config);
  if (success) return data;
  throw new UserError(`${source}: ${problem(error.issues[0]!, config)}`);
}

/**
 * Checks what somebody wrote as a recipe.
 * @param source where it stands, for errors
 * @throws UserError naming the first key that is unknown, has a value that it cannot have, or does not go with others
 */
export function parseRecipe(value: unknown, source: string): Recipe {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError(
      `${source} has no recipe, which is an object of settings, e.g. { epochs: 30 }; of a module it is the default export`,
    );
  }
  const { success, error } = z.safeParse(recipeSchema, value);
  if (!success) throw new UserError(`${source}: ${problem(error.issues[0]!, value)}`);
  // As it was written: a default is not a setting that was chosen.
  const recipe = value as Recipe;
  try {
    settle(recipe);
  } catch (contradiction) {
    throw new UserError(`${source}: ${(contradiction as UserError).message}`);
  }
  return recipe;
}

/** What is wrong, and what would be right. */
function problem(issue: z.core.$ZodIssue, input: object): string {
  const name = pathText(issue.path);
  const value = issue.path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)[key], input);
  // JSON has no NaN.
  const shown = typeof value === 'number' ? String(value) : JSON.stringify(value);
  const not = `, not ${shown ?? 'nothing'}`;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const key = issue.keys[0]!;
      const meant = Object.keys(SETTINGS).find(
        (known) => known !== key && camelCase(flagOf(known)) === camelCase(key),
      );
      const near = nearest(key, Object.keys(SETTINGS));
      const hint =
        meant !== undefined
          ? `it is ${meant} here`
          : near !== undefined
            ? `did you mean ${near}?`
            : 'train/recipe/settings.ts lists them';
      return `there is no setting ${JSON.stringify(name === '' ? key : `${name}.${key}`)}; ${hint}`;
    }
    case 'invalid_value':
      return `${name} is ${issue.values.join(', ')}${not}${meantInstead(value, issue.values)}`;
    case 'too_small':
      return `${name} must be at least ${issue.minimum}${not}`;
    case 'too_big':
      return `${name} must be at most ${issue.maximum}${not}`;
    case 'invalid_type':
      return `${name} takes ${EXPECTED[issue.expected] ?? issue.expected}${not}`;
    default:
      return `${name}: ${issue.message}${not}`;
  }
}

function meantInstead(value: unknown, choices: readonly unknown[]): string {
  const near = typeof value === 'string' ? nearest(value, choices.map(String)) : undefined;
  return near === undefined ? '' : `; did you mean ${near}?`;
}

const EXPECTED: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'a text',
  array: 'a list',
  object: 'an object',
};

/** `progressive[0].size` */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`))
    .join('');
}
