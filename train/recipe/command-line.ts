import * as z from 'zod/mini';
import { camelCase, kebabCase, type OptionSpec } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { FLAGS, type Flag, type Recipe, SETTINGS } from './settings.ts';

type Shape = Readonly<Record<string, z.ZodMiniType>>;

/**
 * The options with which a command line says settings. {@link givenSettings} reads them back, so their types are
 * none of the command's own options'.
 */
export function settingOptions(shape: Shape): Record<never, OptionSpec> {
  return Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => [flagOf(name), optionSpec(schema)]),
  );
}

/** The flag of a setting, without its hyphens in front. */
export function flagOf(name: string): string {
  const schema = (SETTINGS as Shape)[name];
  return (schema && FLAGS.get(schema)?.flag) ?? kebabCase(name);
}

function optionSpec(schema: z.ZodMiniType): OptionSpec {
  const { help, value, list, elsewhere, otherwise } = FLAGS.get(schema)!;
  const text = { help, ...(value && { value }), ...(elsewhere && { elsewhere }) };
  if (list) return { type: 'string', ...text };
  const json = z.toJSONSchema(schema, { io: 'input' });
  const fallback = json.default === undefined ? {} : { default: json.default as never };
  if (json.enum)
    return {
      type: 'string',
      ...text,
      ...fallback,
      choices: json.enum as string[],
      ...(otherwise && { otherwise }),
    };
  if (json.type === 'boolean') return { type: 'boolean', ...text, ...fallback };
  const { minimum: min, maximum: max } = json;
  return {
    type: json.type as 'integer' | 'number',
    ...text,
    ...fallback,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined || max >= Number.MAX_SAFE_INTEGER ? {} : { max }),
  };
}

/**
 * The settings that were given on a command line.
 * @param options as parsed
 * @param given the options that were given and not left at their default
 * @throws UserError if a list is malformed
 */
export function givenSettings(options: object, given: ReadonlySet<string>): Recipe {
  const recipe: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries<z.ZodMiniType>(SETTINGS)) {
    const flag = flagOf(name);
    const key = camelCase(flag);
    if (!given.has(key)) continue;
    const value = (options as Record<string, unknown>)[key];
    const { list } = FLAGS.get(schema)!;
    recipe[name] = list ? readList(flag, schema, list, value as string) : value;
  }
  return recipe;
}

function readList(
  flag: string,
  schema: z.ZodMiniType,
  { takes, read }: NonNullable<Flag['list']>,
  text: string,
): unknown {
  const { success, data, error } = z.safeParse(schema, read(text));
  if (success) return data;
  const reason = error.issues.find(({ code }) => code === 'custom');
  throw new UserError(`--${flag} takes ${takes}, not "${text}"${reason ? `: ${reason.message}` : ''}`);
}
