import { extname } from 'node:path';
import express, { type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { DEMO_POLICY_HEADER } from '../http/demo-policy.ts';
import type { Limits } from '../http/limits.ts';
import type { RequestContext } from '../http/request-context.ts';
import { json, type Route } from '../http/route.ts';
import { sendBytes } from '../http/slow-readers.ts';
import { ModelDescriptionAnswer } from '../models/describe-model.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { ModelParams } from '../schemas.ts';

const ModelListAnswer = z
  .strictObject({
    default: z.string().meta({ description: 'the model that is asked when none is named' }),
    models: z.array(
      z.strictObject({
        name: z.string(),
        version: z.int().min(1),
        ready: z.boolean(),
        labels: z.int().min(1),
        file: z.string(),
        bytes: z.int().min(1),
        url: z.string(),
      }),
    ),
  })
  .meta({ id: 'ModelList' });

/** What is served: the list, descriptions, and the ONNX files for clients that run them themselves. */
export function modelRoutes(registry: ModelRegistry, limits: Limits): Route[] {
  const describe = ({ res }: RequestContext, model: LoadedModel): void => {
    res.json({ ...model.description, versions: registry.versions(model.name) });
  };
  const named = ({ req }: RequestContext): LoadedModel => registry.resolve(String(req.params.model));
  const description = { 200: { description: 'The model.', content: json(ModelDescriptionAnswer) } };
  return [
    {
      method: 'get',
      path: '/model',
      id: 'defaultModel',
      summary: 'The model that is asked when none is named.',
      tag: 'models',
      answers: description,
      refusals: [503],
      handle: (context) => describe(context, registry.resolve()),
    },
    {
      method: 'get',
      path: '/models',
      id: 'listModels',
      summary: 'Every version of every model.',
      tag: 'models',
      answers: { 200: { description: 'The models.', content: json(ModelListAnswer) } },
      refusals: [503],
      handle: ({ res }) => {
        res.json({ default: registry.resolve().name, models: registry.all().map(listed) });
      },
    },
    // Before the description, whose path it fits too.
    {
      method: 'get',
      path: '/models/{model}.onnx',
      id: 'downloadModel',
      summary: "A model's ONNX file.",
      tag: 'models',
      params: ModelParams,
      answers: { 200: { description: 'The file.', content: { 'application/octet-stream': null } } },
      refusals: [400, 404, 503],
      // Not held: a download needs the bytes alone, which stay as long as it goes on.
      handle: (context) => {
        const { bytes } = named(context).served;
        context.res.type('application/octet-stream');
        return sendBytes(context.res, bytes, limits.stallSeconds);
      },
    },
    {
      method: 'get',
      path: '/models/{model}',
      id: 'describeModel',
      summary: 'A model.',
      tag: 'models',
      params: ModelParams,
      answers: description,
      refusals: [400, 404, 503],
      handle: (context) => describe(context, named(context)),
    },
  ];
}

function listed({ name, version, pool, description, served }: LoadedModel) {
  const { file, bytes } = description;
  const labels = served.metadata.labels.length;
  // `url` is what the demo page looks for.
  return { name, version, ready: pool.ready, labels, file, bytes, url: file.slice(1) };
}

/** The list of models that the demo page asks for. */
export function demoModels(registry: ModelRegistry): RequestHandler {
  return (_req, res) => {
    const models = registry.all().map(({ name, version, description: { file, bytes } }) => {
      const newest = registry.versions(name).at(-1) === version;
      const model = newest ? name : `${name}@${version}`;
      const predict = `predict?model=${encodeURIComponent(model)}`;
      return { name: model, bytes, url: file.slice(1), predict };
    });
    res.set('Cache-Control', 'no-store').json({ default: registry.resolve().name, models });
  };
}

const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** The built demo page; what lies compressed beside a file is sent to those that take it. */
export function demoPage(directory: string): RequestHandler {
  const setHeaders = (res: Response, path: string): void => {
    const form = ENCODINGS.find(([, ending]) => path.endsWith(ending));
    // Vite puts a hash of the contents into the names under assets/; the page itself must be asked for.
    const hashed = /[\\/]assets[\\/][^\\/]+$/.test(path);
    res.set('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    res.set('Content-Security-Policy', DEMO_POLICY_HEADER);
    res.vary('Accept-Encoding');
    if (form) res.type(extname(path.slice(0, -form[1].length))).set('Content-Encoding', form[0]);
  };
  const send = express.static(directory, { cacheControl: false, setHeaders });
  return (req, res, next) => {
    const { url } = req;
    const path = url.split('?', 1)[0]!;
    const file = path.endsWith('/') ? `${path}index.html` : path;
    // A part of a file is one of the file itself.
    const forms =
      req.headers.range === undefined ? ENCODINGS.filter(([encoding]) => req.acceptsEncodings(encoding)) : [];
    const tryNext = (error?: unknown): void => {
      const form = forms.shift();
      req.url = form ? file + form[1] : url;
      if (error === undefined) send(req, res, form ? tryNext : next);
      else next(error);
    };
    tryNext();
  };
}
