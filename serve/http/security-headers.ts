import type { RequestHandler } from 'express';

/**
 * Isolation headers. COOP and COEP make the page "cross-origin isolated", without which browsers deny it the
 * shared memory that multi-threaded WebAssembly needs.
 */
export const securityHeaders: RequestHandler = (_req, res, next) => {
  res.set({
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Content-Security-Policy': "object-src 'none'; base-uri 'self'; frame-ancestors 'self'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  next();
};
