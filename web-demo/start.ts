import { stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findData } from '../core/data/find.ts';
import { DEFAULT_DATA_DIR } from '../core/data/load.ts';
import { UserError } from '../core/errors.ts';
import type { TlsFiles } from '../serve/http/https.ts';
import { buildDemo, DEMO_DIST } from './build.ts';
import { createDemoApp } from './server/app.ts';
import { listen } from './server/listen.ts';
import { ModelFiles } from './server/model-files.ts';
import { PredictionServers } from './server/prediction-servers.ts';

export interface StartDemoOptions {
  /** A model's name or file; absent: the first one in `models/`. */
  model?: string | undefined;
  /** 0 for any free port. */
  port: number;
  host: string;
  /** Names that it answers to beside those of loopback and `host`. */
  allowHosts?: readonly string[] | undefined;
  /** With it the page is served by https. */
  tls?: TlsFiles | undefined;
  /** Folder of the CIFAR-100 binary version. */
  data?: string | undefined;
  /** Folder of training runs to follow (default `runs`). */
  runs?: string | undefined;
}

export interface RunningDemo {
  server: Server;
  /** Where to open the page. */
  url: string;
  /** Whether the page was built for this start. */
  built: boolean;
  /** The name of the model opened first. */
  model: string;
  /** Of a model of another program: what its user should know, a line each. */
  notes: string[];
  /** The test set served, if one was found. */
  testSet: string | undefined;
  /** The folder of training runs that are followed. */
  runs: string;
  /** Stops it, and the inference server behind it. */
  close(): Promise<void>;
}

/**
 * Builds the page if it is stale and serves it.
 * @throws UserError if there is no such model, data folder or port, or the model is of another program and nothing
 *   says how to prepare images for it
 */
export async function startDemo(options: StartDemoOptions): Promise<RunningDemo> {
  // Mistakes in the options show before the build's wait.
  const project = fileURLToPath(new URL('..', import.meta.url));
  const models = await ModelFiles.open(project, options.model, 'exports');
  const notes = await notesOf(models);
  const testSet = await findTestSet(options.data);
  const built = await buildDemo();
  const runs = options.runs ?? 'runs';
  const servers = new PredictionServers();
  const { host, allowHosts } = options;
  const app = createDemoApp({ dist: DEMO_DIST, models, testSet, runs, servers, host, allowHosts });
  const { server, url } = await listen(app, options.port, options.host, options.tls);
  // Ready before the page asks, mostly; where it is not, the page's request says what is wrong.
  void models
    .find(models.preferred)
    .then(async (first) => {
      if (first && !(await models.isForeign(first))) await models.compressed(first);
    })
    .catch(() => undefined);
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await Promise.all([closed, servers.close()]);
  };
  return { server, url, built, model: models.preferred, notes, testSet, runs, close };
}

/** A model of another program is adapted before the page asks for it. */
async function notesOf(models: ModelFiles): Promise<string[]> {
  const first = await models.find(models.preferred);
  return first && (await models.isForeign(first)) ? (await models.adapted(first)).notes : [];
}

/**
 * Finds CIFAR-100's `test.bin`: in `given`, else CIFAR100_DIR, else `./data`.
 * @param given the value of --data
 * @returns undefined if there is none and no folder was named, or that folder has data in another layout;
 *   that is no error: the page works without
 * @throws UserError if the folder that was named has no data
 */
export async function findTestSet(given: string | undefined): Promise<string | undefined> {
  const named = given ?? (process.env.CIFAR100_DIR || undefined);
  const found = await findData(named ?? DEFAULT_DATA_DIR);
  if (found?.dataset === 'cifar100' && found.variant.layout === 'binary' && !found.archive) {
    const file = path.resolve(found.path, 'test.bin');
    if ((await stat(file).catch(() => undefined))?.isFile()) return file;
  } else if (found) {
    return undefined;
  }
  if (named === undefined) return undefined;
  const source = given === undefined ? 'CIFAR100_DIR' : '--data';
  throw new UserError(`${source}: there is no test.bin in ${named}; fetch it with npm run data`);
}
