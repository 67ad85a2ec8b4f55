import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Helmet's headers, for an API: its answers may load nothing. COOP and COEP make the demo page "cross-origin
 * isolated", without which browsers deny it the shared memory that multi-threaded WebAssembly needs.
 * @param crossOrigin whether other origins may read the answers
 */
export function securityHeaders(crossOrigin: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: { policy: 'require-corp' },
    crossOriginResourcePolicy: { policy: crossOrigin ? 'cross-origin' : 'same-origin' },
    // Whether the address is reached by https is for what stands in front of this server to say.
    strictTransportSecurity: false,
  });
}

/** The policy of a page of ours: only its own files, nothing inline. */
export const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";
