import type { RequestHandler } from 'express';
import { DEMO_POLICY_HEADER } from '../../serve/http/demo-policy.ts';

/**
 * COOP and COEP make the page cross-origin isolated, without which a browser gives it no threads; the rest
 * keeps everything else out.
 */
export const pageHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Content-Security-Policy': DEMO_POLICY_HEADER,
    'Permissions-Policy': 'camera=(self), microphone=(), geolocation=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  next();
};
