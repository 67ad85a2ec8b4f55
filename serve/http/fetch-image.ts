import { lookup as resolveName } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import { OverloadError, Refusal } from '../../core/errors.ts';

export interface FetchImageOptions {
  /** Bytes of an image; default 10 MB. */
  maxBytes?: number;
  /** For all of it, redirects too; default 10. */
  seconds?: number;
  /** Fetched at a time, by all requests; default 16. */
  concurrent?: number;
  /** Default: as the system resolves names. */
  lookup?: typeof resolveName;
  /** Default {@link isPublicAddress}. */
  isPublic?: (address: string) => boolean;
}

/** Fetches an image for a client; `maxBytes`, where it is less than the fetcher's own. */
export type FetchImage = (url: string, maxBytes?: number) => Promise<Uint8Array>;

const MAX_REDIRECTS = 5;
const MAX_URL = 2048;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Makes what fetches images by addresses that clients give. Whoever gives one has this machine ask for it, from inside
 * of its network: only public addresses are asked, and what is asked is the very address that was looked at, of every
 * redirect too. A name is refused if any of its addresses is not public. Proxies of the environment are not used.
 * @returns fails with a Refusal: 400 no http(s) address, 413 too large, 422 it cannot be had, 503 too many at a time
 */
export function imageFetcher({
  maxBytes: most = 10_000_000,
  seconds = 10,
  concurrent = 16,
  lookup = resolveName,
  isPublic = isPublicAddress,
}: FetchImageOptions = {}): FetchImage {
  let underWay = 0;
  const lookupPublic: LookupFunction = (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error || addresses.length === 0 || !addresses.every(({ address }) => isPublic(address))) {
        // One answer for all: which names the network here has is nobody's business.
        done(new Refusal(422, notPublic(hostname)), '');
      } else if (options.all) done(null, addresses);
      else done(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
  const ask = (url: URL, signal: AbortSignal): Promise<IncomingMessage> => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    // Of an address nothing is looked up.
    if (isIP(host) !== 0 && !isPublic(host)) throw new Refusal(422, notPublic(host));
    return new Promise((resolve, reject) => {
      const get = url.protocol === 'https:' ? getHttps : getHttp;
      const headers = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'onnx-classifier' };
      get(url, { agent: false, lookup: lookupPublic, signal, headers }, resolve).on('error', reject);
    });
  };
  const fetchFrom = async (address: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> => {
    let url = parseAddress(address);
    for (let redirects = 0; ; redirects++) {
      const response = await ask(url, signal);
      const { statusCode = 0, headers } = response;
      if (REDIRECTS.has(statusCode) && headers.location !== undefined) {
        response.destroy();
        if (redirects === MAX_REDIRECTS)
          throw new Refusal(422, 'the address of the image redirects too often');
        url = parseAddress(headers.location, url);
        continue;
      }
      try {
        if (statusCode !== 200) throw new Refusal(422, `the address of the image answered ${statusCode}`);
        return await readAll(response, maxBytes);
      } finally {
        response.destroy();
      }
    }
  };
  return async (address, maxBytes = most) => {
    if (underWay >= concurrent) throw new OverloadError('too many images are being fetched; try again later');
    underWay++;
    const signal = AbortSignal.timeout(seconds * 1000);
    try {
      return await fetchFrom(address, Math.min(most, maxBytes), signal);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      if (signal.aborted) throw new Refusal(422, `the image did not arrive within ${seconds} s`);
      throw new Refusal(
        422,
        `the image cannot be fetched: ${(error as NodeJS.ErrnoException).code ?? 'no answer'}`,
      );
    } finally {
      underWay--;
    }
  };
}

function notPublic(host: string): string {
  return `there is no public host ${JSON.stringify(host.slice(0, 100))} to fetch the image from`;
}

function parseAddress(address: string, base?: URL): URL {
  const isOne = address.length <= MAX_URL && URL.canParse(address, base);
  const url = isOne ? new URL(address, base) : undefined;
  if (
    (url?.protocol !== 'http:' && url?.protocol !== 'https:') ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw new Refusal(400, 'an image is fetched from an http or https address, without a user name in it');
  }
  return url;
}

async function readAll(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // Counted, for what is announced may be wrong.
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) throw new Refusal(413, 'the image at the address is too large');
    parts.push(part);
  }
  if (!response.complete) throw new Refusal(422, 'the image at the address ended early');
  return Buffer.concat(parts);
}

/** By IANA's registries of special-purpose addresses; of IPv6 nothing but global unicast is reachable anyway. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
const GLOBAL_IPV6 = '2000::/3';
/** Of these: protocols (Teredo), examples, 6to4, whose addresses hold another of IPv4. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
/** Networks of IPv6 alone reach IPv4 by it: the last 32 bits are the address. */
const NAT64 = '64:ff9b::/96';

const special4 = blockList(SPECIAL_IPV4, 'ipv4');
const special6 = blockList(SPECIAL_IPV6, 'ipv6');
const global6 = blockList([GLOBAL_IPV6], 'ipv6');
const nat64 = blockList([NAT64], 'ipv6');

function blockList(networks: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split('/');
    list.addSubnet(address!, Number(bits), family);
  }
  return list;
}

/**
 * Whether an IP address is one of the public internet, and none of this machine: not private, loopback, link-local,
 * multicast or otherwise special, in whatever form it is written.
 */
export function isPublicAddress(address: string): boolean {
  const [bare = ''] = address.split('%');
  if (isIP(bare) === 0) return false;
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // The URL parser writes every address in one form.
  const form = canonical(bare);
  if (own.some((one) => canonical(one.address.split('%')[0]!) === form)) return false;
  if (isIPv4(bare)) return !special4.check(bare);
  if (nat64.check(bare, 'ipv6')) return isPublicAddress(lastFourBytes(form));
  return global6.check(bare, 'ipv6') && !special6.check(bare, 'ipv6');
}

function canonical(address: string): string {
  return isIPv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** Of an IPv6 address in its canonical form, which writes no dots. */
function lastFourBytes(address: string): string {
  const [high = '0', low = '0'] = address
    .split(':')
    .slice(-2)
    .map((part) => part || '0');
  const value = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
