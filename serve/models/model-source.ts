import { UserError } from '../../core/errors.ts';
import { MODEL_NAME, MODEL_VERSION } from './reference.ts';

/** A model file that is to be served as a version of a model. */
export interface ModelSource {
  /** Undefined: what the file's metadata calls it. */
  name: string | undefined;
  version: number;
  path: string;
  /** The JSON file that says how to prepare images for it, if it is not beside the model. */
  preprocessing?: string | undefined;
  /** Asked for by name: without it there is no start. Of a folder, what can be loaded is served. */
  required?: boolean;
}

/**
 * Splits `--model [NAME[@VERSION]=]FILE`.
 * @throws UserError if the name or version before the `=` can be none
 */
export function parseModelOption(text: string): { name?: string; version: number; file: string } {
  const equals = text.indexOf('=');
  // A path may hold an `=`; a name holds no separator.
  if (equals < 0 || /[\\/]/.test(text.slice(0, equals))) return { version: 1, file: text };
  const [name = '', version = '1'] = text.slice(0, equals).split('@');
  const file = text.slice(equals + 1);
  if (!MODEL_NAME.test(name) || !MODEL_VERSION.test(version) || file === '') {
    throw new UserError(`--model takes FILE, NAME=FILE or NAME@VERSION=FILE, not "${text}"`);
  }
  return { name, version: Number(version), file };
}
