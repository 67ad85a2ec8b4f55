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

/** The built demo page. */
export function demoPage(directory: string): RequestHandler {
  const setHeaders = (res: Response, path: string): void => {
    // Vite puts a hash of the contents into the names under assets/; the page itself must be asked for.
    const hashed = /[\\/]assets[\\/][^\\/]+$/.test(path);
    res.set('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    res.set('Content-Security-Policy', DEMO_POLICY_HEADER);
  };
  return express.static(directory, { cacheControl: false, setHeaders });
}
