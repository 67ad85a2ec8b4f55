import { checkPlain } from '../data/user-error.ts';

/** For `assert.throws`: a UserError of one line that matches. */
export function isUserError(message: RegExp): (error: unknown) => true {
  return (error) => checkPlain(error, message);
}
