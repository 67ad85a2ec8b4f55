import { stat } from 'node:fs/promises';
import type { RequestHandler } from 'express';
import express from 'express';
import { errorMessage, UserError } from '../../core/errors.ts';
import { DEMO_POLICY_HEADER } from '../../serve/http/demo-policy.ts';
import { DEFAULT_LIMITS } from '../../serve/http/limits.ts';
import { cutStalled, sendBytes } from '../../serve/http/slow-readers.ts';
import { demoPage } from '../../serve/routes/models.ts';
import type { SiteIndex } from '../page/site-index.ts';
import { checkHost } from './check-host.ts';
import type { ModelFile, ModelFiles } from './model-files.ts';
import type { PredictionServers } from './prediction-servers.ts';
import { predictRoute } from './prediction-servers.ts';
import { runReport, runStream } from './run-stream.ts';

export interface DemoAppOptions {
  /** The built page. */
  dist: string;
  models: ModelFiles;
  /** CIFAR-100's test.bin, if there is one. */
  testSet?: string | undefined;
  /** The folder of training runs to stream; absent: none. */
  runs?: string | undefined;
  /** What answers `/predict/<model>`; absent: nothing does. */
  servers?: PredictionServers | undefined;
  /** What is listened on (default 127.0.0.1), and the names that are answered to beside its own. */
  host?: string | undefined;
  allowHosts?: readonly string[] | undefined;
}

/**
 * The demo's web server: the page, the models under `/models/` (those of other programs as the server has them), the test set under `/data/`, the training runs
 * as a stream, and predictions to compare the page's with.
 */
export function createDemoApp(options: DemoAppOptions): express.Express {
  const { dist, models, testSet, runs, servers } = options;
  const app = express();
  app.disable('x-powered-by');
  app.use(pageHeaders);
  app.use(checkHost(options.host ?? '127.0.0.1', options.allowHosts));
  // Before what is only sent, which then must be taken: a stream rests, and a prediction takes its time.
  if (runs !== undefined) {
    app.get('/runs/stream', runStream(runs));
    app.get('/runs/report', runReport(runs));
  }
  if (servers) app.post('/predict/*path', predictRoute(models, servers));
  app.use((_request, response, next) => {
    cutStalled(response, DEFAULT_LIMITS.stallSeconds);
    next();
  });

  /**
   * The version makes an address that never changes its contents, which a browser may keep for good. What a model of
   * another program is adapted to depends on the files beside it too.
   */
  const versionQuery = async (model: ModelFile): Promise<string> =>
    (await models.isForeign(model)) ? '' : `?v=${model.version}`;

  app.get('/models/index.json', async (_request, response) => {
    const index: SiteIndex = {
      default: models.preferred,
      ...(models.light !== undefined && { light: models.light }),
      models: await Promise.all(
        (await models.list()).map(async (model) => ({
          name: model.name,
          bytes: model.bytes,
          url: `models/${pathOf(model.name)}.onnx${await versionQuery(model)}`,
          ...(servers && { predict: `predict/${pathOf(model.name)}` }),
        })),
      ),
    };
    const info = testSet === undefined ? undefined : await stat(testSet).catch(() => undefined);
    if (info) index.testSet = { url: 'data/cifar-100/test.bin', bytes: info.size };
    if (runs !== undefined) index.runs = 'runs/stream';
    response.set('Cache-Control', 'no-store').json(index);
  });

  app.get('/models/*path', async (request, response) => {
    const name = ([] as string[])
      .concat(request.params.path)
      .join('/')
      .replace(/\.onnx$/, '');
    // Only what is listed is served, so no address can reach another file.
    const model = await models.find(name);
    if (!model) {
      response.status(404).type('text').send(`there is no model "${name}"`);
      return;
    }
    if (await models.isForeign(model)) {
      response.set('Cache-Control', 'no-cache');
      try {
        const { bytes } = await models.adapted(model);
        response.type('application/octet-stream');
        await sendBytes(response, bytes, DEFAULT_LIMITS.stallSeconds);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        response.status(422).type('text').send(error.message);
      }
      return;
    }
    response.set('Cache-Control', request.query.v === model.version ? IMMUTABLE : 'no-cache');
    response.vary('Accept-Encoding');
    if (request.headers.range !== undefined || !request.acceptsEncodings('br')) {
      response.sendFile(model.file, { dotfiles: 'allow', cacheControl: false });
      return;
    }
    response.type('application/octet-stream').set('Content-Encoding', 'br');
    await sendBytes(response, await models.compressed(model), DEFAULT_LIMITS.stallSeconds);
  });

  app.get('/data/cifar-100/test.bin', (_request, response) => {
    if (testSet === undefined)
      response.status(404).type('text').send('this server has no CIFAR-100 test set');
    else response.sendFile(testSet, { dotfiles: 'allow', cacheControl: false });
  });

  app.use(demoPage(dist));

  app.use(
    (
      error: Error & { status?: number },
      _request: express.Request,
      response: express.Response,
      next: express.NextFunction,
    ) => {
      // A file that broke off half way: only Express can end that connection.
      if (response.headersSent) next(error);
      else
        response
          .status(error.status ?? 500)
          .type('text')
          .send(errorMessage(error));
    },
  );
  return app;
}

const IMMUTABLE = 'public, max-age=31536000, immutable';

function pathOf(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}

/**
 * COOP and COEP make the page cross-origin isolated, without which a browser gives it no threads; the rest
 * keeps everything else out.
 */
const pageHeaders: RequestHandler = (_request, response, next) => {
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
