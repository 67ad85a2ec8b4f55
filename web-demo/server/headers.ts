import type { RequestHandler } from 'express';
import { CONTENT_SECURITY_POLICY } from '../csp.ts';

/**
 * COOP and COEP make the page cross-origin isolated, without which a browser gives it no threads; the rest
 * keeps everything else out. A worker is bound by the policy of its own file, so every answer carries it.
 */
export const pageHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Content-Security-Policy': `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`,
    'Permissions-Policy': 'camera=(self), microphone=(), geolocation=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  next();
};
