import assert from 'node:assert/strict';
import { SERVE_OPTIONS } from '../../serve/options.ts';

/** Fails if arguments have an option that `serve` does not. */
export function assertServeOptions(args: string[]): void {
  const names = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2));
  for (const name of names) assert.ok(name in SERVE_OPTIONS, `--${name}`);
}
