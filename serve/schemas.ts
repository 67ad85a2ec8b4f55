import { z } from 'zod';
import { Refusal } from '../core/errors.ts';

/** Every refusal. */
export const ErrorAnswer = z
  .strictObject({ error: z.string().meta({ description: 'one line saying what is wrong' }) })
  .meta({ id: 'Error' });

const MODEL_HELP = 'a model: `NAME`, `NAME@VERSION` or `NAME@latest`';

export const ModelReferenceText = z
  .string()
  .min(1)
  .max(120)
  .meta({ description: MODEL_HELP, examples: ['resnet50@2'] });

/** `{model}` in a path. */
export const ModelParams = z.object({ model: ModelReferenceText });

/** A positive whole number in a query string, where everything is text. */
export function wholeNumberText(name: string, maximum: number) {
  const message = `${name} must be a whole number from 1 to ${maximum}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
    z.int({ error: message }).min(1, { error: message }).max(maximum, { error: message }),
  );
}

/**
 * Validates what a client sent.
 * @param where what it is, for the message, e.g. `the query`
 * @throws Refusal 400 with the first thing that is wrong
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const at = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  throw new Refusal(400, `${where}${at === '' ? '' : ` ${at.replace(/^\./, '')}`}: ${issue.message}`);
}
