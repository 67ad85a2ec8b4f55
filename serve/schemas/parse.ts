import type { z } from 'zod';
import { Refusal } from '../../core/errors.ts';

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
