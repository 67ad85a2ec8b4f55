// core/errors.ts
var UserError = class extends Error {
  name = 'UserError';
};

export { UserError };
