import { BlockList, isIP } from 'node:net';
import type { RequestHandler } from 'express';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Refuses requests to names that are not this server's. A page of anybody may give its own name this machine's
 * address (DNS rebinding), and its requests would then be of the same origin as what is served here; only the name
 * in them tells. A server of this machine alone has loopback's names; one that others reach has, beside these, its
 * addresses, to which no page can give a name of its own, and what it listens on.
 * @param host what is listened on
 * @param names those that are allowed beside
 */
export function checkHost(host: string, names: readonly string[] = []): RequestHandler {
  const known = new Set([host, ...names].map((name) => name.toLowerCase()));
  const others = !isLoopback(host);
  return (request, response, next) => {
    const name = hostName(request.headers.host ?? '');
    if (known.has(name) || isLoopback(name) || (others && isIP(name) !== 0)) {
      next();
      return;
    }
    response
      .status(403)
      .type('text')
      .send(`this server does not answer to ${JSON.stringify(name)}; allow a name with --allow-host\n`);
  };
}

function isLoopback(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const version = isIP(name);
  return version !== 0 && LOOPBACK.check(name, version === 6 ? 'ipv6' : 'ipv4');
}

/** Without the port and an address's brackets, as browsers write it; empty if it is none. */
function hostName(header: string): string {
  if (!/^[\w.:[\]-]+$/.test(header) || !URL.canParse(`http://${header}`)) return '';
  return new URL(`http://${header}`).hostname.replace(/^\[(.*)\]$/, '$1');
}
