import { readFile } from 'node:fs/promises';
import type { ParsedOptions } from '../core/cli/options.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import { RUNTIME_OPTION, type RuntimeChoice } from '../core/runtime/runtimes.ts';
import { HTTPS_OPTIONS, readTls } from './http/https.ts';
import { DEFAULT_LIMITS } from './http/limits.ts';
import type { LogLevel } from './http/logger.ts';
import type { ServerOptions } from './server.ts';

export const LOG_LEVELS: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug'];

export const API_KEY_VARIABLE = 'SERVE_API_KEY';

/** Instead of a run's directory: the newest run. */
export const NEWEST = 'newest';

/** The options of `npm run serve`. */
export const SERVE_OPTIONS = {
  model: {
    type: 'list',
    value: '[NAME[@VERSION]=]FILE|NAME',
    help: 'an .onnx file, or a name looked up in exports/ and models/ (left out: the embedded model)',
  },
  run: {
    type: 'string',
    value: 'DIR',
    alone: NEWEST,
    help: 'the best checkpoint of a training run, exported to best.onnx in its directory; --run alone: of the newest',
  },
  models: {
    type: 'string',
    value: 'DIR',
    help: 'serve every NAME.onnx, NAME@VERSION.onnx and NAME/VERSION/model.onnx in a folder, as it changes',
  },
  preprocessing: {
    type: 'string',
    value: 'FILE',
    help: 'how to prepare images for a --model of another program, as JSON (left out: MODEL.json beside it)',
  },
  versions: { type: 'integer', help: 'of each model in --models only the newest N (left out: all)', min: 1 },
  'reload-seconds': {
    type: 'number',
    help: 'how often the model files are looked at for changes; 0: never',
    default: 2,
    min: 0,
    max: 86_400,
  },
  port: { type: 'integer', help: 'TCP port; 0 takes a free one', default: 8080, min: 0, max: 65_535 },
  host: { type: 'string', help: 'address to listen on; 0.0.0.0 is all', default: '127.0.0.1' },
  ...HTTPS_OPTIONS,
  processes: {
    type: 'integer',
    help: 'server processes behind the port, each with its share of the cores',
    default: 1,
    min: 1,
    max: 256,
  },
  'silence-timeout': {
    type: 'number',
    value: 'SECONDS',
    help: 'a server process that gives no sign of life for so long is replaced (with --processes)',
    default: 10,
    min: 2,
    max: 3600,
  },
  workers: {
    type: 'integer',
    help: 'inference threads with a copy of the model each (left out: chosen from the cores)',
    min: 1,
    max: 64,
  },
  threads: {
    type: 'integer',
    help: 'threads inside one operator (left out: chosen from the cores)',
    min: 1,
    max: 256,
  },
  ...RUNTIME_OPTION,
  'max-batch': { type: 'integer', help: 'images the model runs at once', default: 32, min: 1, max: 4096 },
  'max-queue': {
    type: 'integer',
    help: 'images that may wait for a model; more are refused with 503',
    default: 2048,
    min: 1,
    max: 1_000_000,
  },
  'max-images': {
    type: 'integer',
    help: 'images in one request',
    default: DEFAULT_LIMITS.images,
    min: 1,
    max: 10_000,
  },
  'max-body': {
    type: 'number',
    value: 'MB',
    help: 'size of one request',
    default: DEFAULT_LIMITS.bodyBytes / 1e6,
    min: 0.001,
    max: 1000,
  },
  'max-pixels': {
    type: 'number',
    value: 'MILLIONS',
    help: 'pixels of one image',
    default: DEFAULT_LIMITS.pixels / 1e6,
    min: 0.001,
    max: 1000,
  },
  'max-requests': {
    type: 'integer',
    help: 'requests under way at a time; more are refused with 503',
    default: DEFAULT_LIMITS.requests,
    min: 1,
    max: 1_000_000,
  },
  'max-arriving': {
    type: 'integer',
    help: 'bodies of one address that may be arriving at a time; more are refused with 429',
    default: DEFAULT_LIMITS.clientBodies,
    min: 1,
    max: 1_000_000,
  },
  'receive-timeout': {
    type: 'number',
    value: 'SECONDS',
    help: 'time a client has to send its request, and to take its answer',
    default: DEFAULT_LIMITS.receiveSeconds,
    min: 1,
    max: 3600,
  },
  'stall-timeout': {
    type: 'number',
    value: 'SECONDS',
    help: 'time a request, an answer or a download may stand still before its connection is closed',
    default: DEFAULT_LIMITS.stallSeconds,
    min: 0.1,
    max: 3600,
  },
  'queue-timeout': {
    type: 'number',
    value: 'SECONDS',
    help: 'time a request may wait for the model before it is refused with 503',
    default: DEFAULT_LIMITS.queueSeconds,
    min: 0.01,
    max: 3600,
  },
  'rate-limit': {
    type: 'integer',
    help: 'requests a minute of one address; more are refused with 429 (left out: no limit)',
    min: 1,
  },
  'image-urls': {
    type: 'boolean',
    default: false,
    help: 'fetch images that clients name by their address ({"url": "https://..."}), from public hosts only',
  },
  'api-key-file': {
    type: 'string',
    value: 'FILE',
    help: `a file with the API key that clients must send (or the environment variable ${API_KEY_VARIABLE})`,
  },
  cors: {
    type: 'list',
    value: 'ORIGIN',
    help: 'a web origin whose pages may use this server; * is all (left out: none)',
  },
  'trust-proxy': {
    type: 'integer',
    help: 'proxies in front of the server, whose X-Forwarded-For names the client',
    default: 0,
    min: 0,
    max: 16,
  },
  'drain-seconds': {
    type: 'number',
    help: 'when stopping, how long health checks say so before the port is closed',
    default: 0,
    min: 0,
    max: 3600,
  },
  'log-level': { type: 'string', help: 'of the JSON lines on stderr', default: 'warn', choices: LOG_LEVELS },
} as const;

export type ServeOptions = ParsedOptions<typeof SERVE_OPTIONS>;

/**
 * From the command line to what {@link startServer} takes.
 * @throws UserError if the API key's file cannot be read, or origins are none
 */
export async function toServerOptions(options: ServeOptions): Promise<ServerOptions> {
  return {
    models: options.model,
    folder: options.models,
    versions: options.versions,
    preprocessing: options.preprocessing,
    reloadSeconds: options.reloadSeconds,
    port: options.port,
    host: options.host,
    limits: {
      bodyBytes: Math.round(options.maxBody * 1e6),
      images: options.maxImages,
      pixels: Math.round(options.maxPixels * 1e6),
      requests: options.maxRequests,
      clientBodies: options.maxArriving,
      receiveSeconds: options.receiveTimeout,
      stallSeconds: options.stallTimeout,
      queueSeconds: options.queueTimeout,
    },
    access: {
      apiKey: await readApiKey(options.apiKeyFile),
      rateLimit: options.rateLimit,
      cors: options.cors.length > 0 ? options.cors.map(checkOrigin) : undefined,
      trustProxy: options.trustProxy,
    },
    imageUrls: options.imageUrls,
    tls: await readTls(options),
    inference: {
      ...(options.workers !== undefined && { workers: options.workers }),
      ...(options.threads !== undefined && { threads: options.threads }),
      runtime: options.runtime as RuntimeChoice,
      maxBatch: options.maxBatch,
      maxQueued: options.maxQueue,
    },
    drainSeconds: options.drainSeconds,
    logLevel: options.logLevel as LogLevel,
  };
}

/** The key of the file, else of the environment; never of the command line, which other users can read. */
async function readApiKey(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return apiKeyOfEnvironment();
  try {
    return checkApiKey(await readFile(file, 'utf8'), '--api-key-file');
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`--api-key-file cannot be read: ${errorMessage(error)}`);
  }
}

/**
 * The API key in the environment, for a server or its client.
 * @throws UserError if the variable is set but holds none: whoever set it means the server to have a key
 */
export function apiKeyOfEnvironment(): string | undefined {
  const text = process.env[API_KEY_VARIABLE];
  return text === undefined ? undefined : checkApiKey(text, API_KEY_VARIABLE);
}

/** @param text may end in a newline, as what editors and `echo` write */
function checkApiKey(text: string, source: string): string {
  const key = text.trim();
  // What a header can carry.
  if (!/^[\x21-\x7e]{8,}$/.test(key)) {
    throw new UserError(
      `${source} must hold one key of at least 8 characters, of ASCII and without spaces` +
        (key === '' && source === API_KEY_VARIABLE ? '; it is set, but empty: unset it for none' : ''),
    );
  }
  return key;
}

function checkOrigin(origin: string): string {
  if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) return origin;
  throw new UserError(`--cors takes an origin such as https://example.com, or *, not "${origin}"`);
}
