import type { Request } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';

/**
 * Who asks, as far as limits for each are concerned: the address, or the network of an IPv6 one, all of which
 * one household has. Behind a proxy it is the proxy's, unless the app trusts it.
 */
export function clientAddress(req: Request): string {
  return req.ip === undefined ? '' : ipKeyGenerator(req.ip);
}
