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

/** The page's Content-Security-Policy: in its head, so that any server serves it, and from our own as a header. */
export const CONTENT_SECURITY_POLICY: string = Object.entries(DIRECTIVES)
  .map(([name, sources]) => `${name} ${sources}`)
  .join('; ');
