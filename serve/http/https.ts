import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir, hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { promisify } from 'node:util';
import { errorMessage, UserError } from '../../core/errors.ts';

/** The options of commands that can speak https. */
export const HTTPS_OPTIONS = {
  https: {
    type: 'boolean',
    default: false,
    help: 'speak https, as browsers want for camera, threads and offline use from other machines; without the files below with a certificate of its own, made by openssl',
  },
  'https-cert': {
    type: 'string',
    value: 'FILE',
    help: 'the certificate as PEM, others that lead to its authority after it',
  },
  'https-key': { type: 'string', value: 'FILE', help: 'its private key as PEM' },
} as const;

/** What https needs, as PEM. */
export interface TlsFiles {
  cert: Buffer;
  key: Buffer;
  /** Where the certificate is, if it was made here: a browser knows it only once it was told. */
  made?: string;
}

/** So long is a certificate good that is made here; Apple's systems take none for longer. */
const DAYS = 397;
/** One that ends sooner is made anew. */
const LEAST_DAYS = 30;

/**
 * The certificate and the key for a server.
 * @param folder where one that is made here is kept, for the next start; default `.onnx-classifier/https` of the user
 * @returns undefined without https
 * @throws UserError if a file cannot be read, is none or does not go with the other, or openssl cannot make one
 */
export async function readTls(
  {
    https,
    httpsCert,
    httpsKey,
  }: { https: boolean; httpsCert?: string | undefined; httpsKey?: string | undefined },
  folder = join(homedir(), '.onnx-classifier', 'https'),
): Promise<TlsFiles | undefined> {
  if (httpsCert === undefined && httpsKey === undefined) return https ? ownCertificate(folder) : undefined;
  if (httpsCert === undefined || httpsKey === undefined)
    throw new UserError('--https-cert and --https-key go together; without both, --https makes its own');
  const [cert, key] = await Promise.all([
    readPem(httpsCert, '--https-cert'),
    readPem(httpsKey, '--https-key'),
  ]);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new UserError(
      `${httpsCert} and ${httpsKey} are no certificate and its key, as PEM: ${errorMessage(error)}`,
    );
  }
  return { cert, key };
}

async function readPem(file: string, option: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new UserError(`${option} cannot be read: ${errorMessage(error)}`);
  }
}

/** The names and addresses that this machine is reached by. */
export function ownNames(): { names: string[]; addresses: string[] } {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    // Link-local addresses of IPv6 need a zone, which no URL has.
    .filter(({ family, address }) => family === 'IPv4' || !address.startsWith('fe80'))
    .map(({ address }) => address);
  const name = hostname().toLowerCase();
  // The name that mDNS gives it, too.
  const names = ['localhost', ...(/^[a-z0-9.-]+$/.test(name) ? [name, `${name.split('.')[0]}.local`] : [])];
  return { names: [...new Set(names)], addresses: [...new Set([...addresses, '127.0.0.1', '::1'])] };
}

async function ownCertificate(folder: string): Promise<TlsFiles> {
  const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const { names, addresses } = ownNames();
  const kept = await readPair(paths);
  if (kept && isGood(kept.cert, names, addresses)) return kept;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(`no certificate can be kept in ${folder}: ${errorMessage(error)}`);
  }
  const aside = await mkdtemp(join(folder, 'new-'));
  try {
    const alternatives = [...names.map((name) => `DNS:${name}`), ...addresses.map((ip) => `IP:${ip}`)];
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'],
      ...[
        '-days',
        String(DAYS),
        '-subj',
        '/CN=onnx-classifier',
        '-addext',
        `subjectAltName=${alternatives.join(',')}`,
      ],
      ...['-addext', 'extendedKeyUsage=serverAuth'],
      ...['-keyout', join(aside, 'key.pem'), '-out', join(aside, 'cert.pem')],
    ]);
    await rename(join(aside, 'key.pem'), paths.key);
    await rename(join(aside, 'cert.pem'), paths.cert);
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    const reason =
      code === 'ENOENT' ? 'there is no openssl' : (stderr?.trim().split('\n').at(-1) ?? errorMessage(error));
    throw new UserError(
      `no certificate can be made: ${reason}; install openssl, or give --https-cert and --https-key`,
    );
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  const made = await readPair(paths);
  if (!made) throw new UserError(`the certificate that openssl wrote to ${folder} cannot be used`);
  return made;
}

async function readPair({ cert, key }: { cert: string; key: string }): Promise<TlsFiles | undefined> {
  try {
    const files = { cert: await readFile(cert), key: await readFile(key), made: cert };
    createSecureContext(files);
    return files;
  } catch {
    return undefined;
  }
}

/** Whether a certificate is of all these names, and for some time yet. */
function isGood(pem: Buffer, names: readonly string[], addresses: readonly string[]): boolean {
  const certificate = new X509Certificate(pem);
  const until = Date.parse(certificate.validTo);
  return (
    until - Date.now() > LEAST_DAYS * 86_400_000 &&
    names.every((name) => certificate.checkHost(name) !== undefined) &&
    addresses.every((address) => certificate.checkIP(address) !== undefined)
  );
}

/** What a user must know of a certificate that was made here, and where other machines find the page: a line each. */
export function httpsLines({ made }: TlsFiles, url: string): string[] {
  const { port, hostname: host } = new URL(url);
  const isAll = ['0.0.0.0', '[::]', 'localhost'].includes(host);
  const others = isAll
    ? ownNames().addresses.filter((address) => /^\d/.test(address) && !address.startsWith('127.'))
    : [];
  return [
    ...others.map((address) => `https://${address}:${port}/`),
    ...(made === undefined ? [] : [`a browser warns of the certificate until it is told to trust ${made}`]),
  ];
}
