import { stat } from 'node:fs/promises';
import express from 'express';
import { errorMessage } from '../../core/errors.ts';
import type { SiteIndex } from '../page/site-index.ts';
import type { ModelFiles } from './model-files.ts';

export interface DemoAppOptions {
  /** The built page. */
  dist: string;
  models: ModelFiles;
  /** CIFAR-100's test.bin, if there is one. */
  testSet?: string | undefined;
}

/** The demo's web server: the page, the models under `/models/` and the test set under `/data/`. */
export function createDemoApp({ dist, models, testSet }: DemoAppOptions): express.Express {
  const app = express();
  app.disable('x-powered-by');

  app.use((_request, response, next) => {
    // Both make the page cross-origin isolated; without that a browser gives it no threads.
    response.set('Cross-Origin-Opener-Policy', 'same-origin');
    response.set('Cross-Origin-Embedder-Policy', 'require-corp');
    response.set('Cross-Origin-Resource-Policy', 'same-origin');
    response.set('X-Content-Type-Options', 'nosniff');
    next();
  });

  app.get('/models/index.json', async (_request, response) => {
    const index: SiteIndex = {
      default: models.preferred,
      models: (await models.list()).map(({ name, bytes }) => ({ name, bytes, url: modelUrl(name) })),
    };
    const info = testSet === undefined ? undefined : await stat(testSet).catch(() => undefined);
    if (info) index.testSet = { url: 'data/cifar-100/test.bin', bytes: info.size };
    response.set('Cache-Control', 'no-store').json(index);
  });

  app.get('/models/*path', async (request, response) => {
    const name = ([] as string[])
      .concat(request.params.path)
      .join('/')
      .replace(/\.onnx$/, '');
    // Only what is listed is served, so no address can reach another file.
    const model = (await models.list()).find((candidate) => candidate.name === name);
    if (!model) {
      response.status(404).type('text').send(`there is no model "${name}"`);
      return;
    }
    response.sendFile(model.file, { dotfiles: 'allow', cacheControl: false });
  });

  app.get('/data/cifar-100/test.bin', (_request, response) => {
    if (testSet === undefined)
      response.status(404).type('text').send('this server has no CIFAR-100 test set');
    else response.sendFile(testSet, { dotfiles: 'allow', cacheControl: false });
  });

  app.use(
    express.static(dist, {
      setHeaders(response, file) {
        // Built assets carry a hash of their contents in the name; the page itself does not.
        const immutable = /[\\/]assets[\\/]/.test(file);
        response.setHeader('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    }),
  );

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

function modelUrl(name: string): string {
  return `models/${name.split('/').map(encodeURIComponent).join('/')}.onnx`;
}
