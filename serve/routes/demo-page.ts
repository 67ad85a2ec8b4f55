import { extname } from 'node:path';
import express, { type RequestHandler, type Response } from 'express';
import { DEMO_POLICY_HEADER } from '../http/demo-policy.ts';
import type { ModelRegistry } from '../models/registry.ts';

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
