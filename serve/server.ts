import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatPercent } from '../core/cli/format.ts';
import { printable } from '../core/cli/printable.ts';
import { errorMessage } from '../core/errors.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';
import { requireRuntime } from '../core/runtime/runtimes.ts';
import { type AccessOptions, createApp } from './app.ts';
import { type FetchImageOptions, imageFetcher } from './http/fetch-image.ts';
import { closeHttp, createAppServer, listen } from './http/http-server.ts';
import type { TlsFiles } from './http/https.ts';
import { DEFAULT_LIMITS, type Limits } from './http/limits.ts';
import { createLogger, type LogLevel } from './http/logger.ts';
import { Metrics } from './http/metrics.ts';
import { chooseInference } from './inference/pool.ts';
import { displayPath, type ServedModel } from './model-file.ts';
import type { InferenceOptions } from './models/loaded-model.ts';
import { ModelRegistry } from './models/registry.ts';
import { type ModelSelection, selectModels } from './models/selection.ts';
import { dropGarbage } from './threads/question-threads.ts';

export interface ServerOptions extends ModelSelection {
  /** A path, or a name looked up in exports/ and models/; for one model. Absent everything: the embedded one. */
  model?: string | undefined;
  /** Only so many of the newest versions of each model in the folder; all if absent. */
  versions?: number | undefined;
  /** 0 takes any free port (default 8080). */
  port?: number;
  /** The address to listen on (default 127.0.0.1: this machine only). */
  host?: string;
  limits?: Partial<Limits>;
  access?: AccessOptions;
  /** With it the server speaks https. */
  tls?: TlsFiles | undefined;
  /** Whether clients may name images by their (public) address, and how these are fetched; default false. */
  imageUrls?: boolean | FetchImageOptions;
  /** How many cores inference is laid out for (default all of this machine). */
  cores?: number;
  /** How inference runs. */
  inference?: Omit<InferenceOptions, 'observer'>;
  /** Seconds between two looks at the model files; 0 (default) never looks again. */
  reloadSeconds?: number;
  /**
   * Listen only once the models are loaded (default: at once, so that a port in use is found early and health
   * checks see 503 meanwhile).
   */
  listenWhenReady?: boolean;
  /** Gives up before the next model is loaded. */
  signal?: AbortSignal;
  /** Seconds that health checks answer 503 before the server stops listening (default 0). */
  drainSeconds?: number;
  /** Default silent. */
  logLevel?: LogLevel;
  /** The built page (default web-demo/dist, if it exists); false serves none. */
  demoDirectory?: string | false;
  /** The text of `/metrics`; of this process if absent. */
  readMetrics?: () => Promise<string>;
}

export interface RunningServer {
  /** Without a trailing slash, e.g. `http://127.0.0.1:8080`. */
  url: string;
  /** The default model. */
  model: ServedModel;
  registry: ModelRegistry;
  metrics: Metrics;
  /** Whether the demo page is at `/`. */
  hasDemo: boolean;
  /** Takes no more requests, finishes those accepted (for at most 30 s) and frees everything. */
  close(): Promise<void>;
}

const DEMO_DIST = fileURLToPath(new URL('../web-demo/dist', import.meta.url));

/**
 * Starts the server; resolves once it answers predictions.
 * @throws UserError if there is no usable model, or the address cannot be listened on; the signal's reason
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  requireRuntime(options.inference?.runtime);
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { logger, flush } = createLogger(options.logLevel ?? 'silent');
  const sources = await selectModels({
    ...options,
    models: [...(options.model === undefined ? [] : [options.model]), ...(options.models ?? [])],
  });
  const metrics: Metrics = new Metrics(() => [
    ...registry
      .all()
      .map(({ name, version, pool: { queued, ready } }) => ({ model: name, version, queued, ready })),
    ...registry.missing().map(({ name, version }) => ({ model: name, version, queued: 0, ready: false })),
  ]);
  const registry = new ModelRegistry({
    sources,
    limits,
    versions: options.versions,
    inference: (name, version) => ({
      ...options.inference,
      ...chooseInference(options.inference, options.cores),
      observer: metrics.poolObserver(name, version, (reason) =>
        logger.error({ model: name, version, reason }, 'an inference thread died; it is replaced'),
      ),
    }),
    onChange: (event) => {
      // When what it replaces has stopped.
      if (event.type !== 'failed') setTimeout(dropGarbage, 1000).unref();
      metrics.reloaded(event.type);
      if (event.type === 'failed') {
        const shown = { ...event, path: printable(event.path), reason: printable(event.reason) };
        logger.error(shown, 'a model file cannot be used; what ran before stays, and it is tried again');
      } else logger.info(event, 'model');
    },
  });
  const demo = options.demoDirectory ?? DEMO_DIST;
  const hasDemo = demo !== false && existsSync(join(demo, 'index.html'));
  let stopping = false;
  const app = createApp({
    registry,
    limits,
    logger,
    metrics,
    access: options.access ?? {},
    isReady: () => !stopping && registry.ready,
    demoDirectory: hasDemo ? demo : undefined,
    fetchImage: options.imageUrls
      ? imageFetcher({ maxBytes: limits.bodyBytes, ...(options.imageUrls === true ? {} : options.imageUrls) })
      : undefined,
    ...(options.readMetrics && { readMetrics: options.readMetrics }),
  });
  const server = createAppServer(
    app,
    {
      requestTimeout: limits.receiveSeconds * 1000,
      connectionsCheckingInterval: 1000,
      // Longer than load balancers keep theirs, or a request could meet a connection that is just closing.
      keepAliveTimeout: 65_000,
      noDelay: true,
    },
    () => stopping,
    options.tls,
  );
  const listenNow = (): Promise<string> => listen(server, options.host ?? '127.0.0.1', options.port ?? 8080);
  let url = options.listenWhenReady ? '' : await listenNow();
  try {
    await registry.open(options.signal);
    if (options.listenWhenReady) url = await listenNow();
    options.signal?.throwIfAborted();
  } catch (error) {
    await closeHttp(server);
    await registry.close();
    throw error;
  }
  const stopReloading = startReloading(
    options.reloadSeconds ?? 0,
    () => registry.reload(),
    (error) => logger.error({ reason: errorMessage(error) }, 'the model files cannot be looked at'),
  );
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stopping = true;
    stopReloading();
    if (options.drainSeconds) await sleep(options.drainSeconds * 1000);
    await closeHttp(server);
    await registry.close();
    flush();
  };
  return {
    url,
    model: registry.resolve().served,
    registry,
    metrics,
    hasDemo,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** What a started server says on the terminal: a line for each model, what cannot be used, and the address. */
export function startupText({ registry, url, hasDemo }: RunningServer): string {
  const models = registry.all().map(({ name, version, served: { metadata, path, notes } }) => {
    const lines = [
      `model    ${name}@${version} (${metadata.dataset}, ${metadata.labels.length} classes${accuracyText(metadata)}) from ${displayPath(path)}`,
      ...notes.map((note) => `note     ${name}@${version}: ${note}`),
    ];
    return lines.map((line) => `${printable(line)}\n`).join('');
  });
  const unusable = registry
    .status()
    .filter(({ reason }) => reason !== '')
    .map(({ name, version, reason }) => `unusable ${name}@${version}: ${printable(reason)}\n`);
  return `${models.join('')}${unusable.join('')}serving  ${url} (${hasDemo ? 'demo page at /, ' : ''}API at /docs)\n`;
}

/** Of the file, where it was measured on all test images; else of the float32 weights that it was made of, which is said. */
function accuracyText({ accuracy, agreement, precision = 'fp32' }: ClassifierMetadata): string {
  if (!accuracy) return '';
  const { images, top1 } = accuracy;
  const isOfAll = agreement?.on.startsWith('test images') && agreement.images === images;
  const correct = isOfAll ? agreement?.top1Correct : undefined;
  const of = precision === 'fp32' || correct !== undefined ? '' : ' in float32';
  const share = formatPercent(correct === undefined ? top1 : correct / images);
  return `, top-1 ${share} on ${images.toLocaleString('en')} test images${of}`;
}

/**
 * Calls `reload` every so many seconds, never twice at a time. Looking at the files, rather than being told by
 * the file system, also works over network mounts and for the symbolic links of Kubernetes volumes.
 * @param seconds 0: never
 * @returns stops it
 */
function startReloading(
  seconds: number,
  reload: () => Promise<void>,
  onError: (error: unknown) => void,
): () => void {
  if (seconds === 0) return () => {};
  let stopped = false;
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    timer = setTimeout(() => {
      void reload()
        .catch(onError)
        .finally(() => {
          if (!stopped) schedule();
        });
    }, seconds * 1000);
    timer.unref();
  };
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
