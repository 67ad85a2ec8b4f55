const DIRECTIVES: Readonly<Record<string, string>> = {
  'default-src': "'none'",
  // Compiling WebAssembly is all that is allowed beside the page's own files.
  'script-src': "'self' 'wasm-unsafe-eval'",
  'style-src': "'self'",
  'img-src': "'self' blob: data:",
  'media-src': "'self' blob:",
  'connect-src': "'self'",
  'worker-src': "'self'",
  'form-action': "'none'",
  'base-uri': "'none'",
};

/** The demo page's Content-Security-Policy, for its head: so it is kept whatever serves it. */
export const DEMO_POLICY: string = Object.entries(DIRECTIVES)
  .map(([name, sources]) => `${name} ${sources}`)
  .join('; ');

/**
 * The same as a header, where it can also say who may frame the page. A worker is bound by the policy of its own
 * file, so it goes with every file of the page.
 */
export const DEMO_POLICY_HEADER: string = `${DEMO_POLICY}; frame-ancestors 'none'`;
