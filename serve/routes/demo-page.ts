import express, { type RequestHandler, type Response, Router } from 'express';
import { DEMO_POLICY } from '../http/security-headers.ts';
import type { ModelRegistry } from '../models/registry.ts';

/** The built demo page, and the list of models that it asks for. */
export function demoPage(directory: string, registry: ModelRegistry): RequestHandler {
  const router = Router();
  router.get('/models/index.json', (_req, res) => {
    const models = registry.all().map(({ name, version, description: { file, bytes } }) => {
      const newest = registry.versions(name).at(-1) === version;
      return { name: newest ? name : `${name}@${version}`, bytes, url: file.slice(1) };
    });
    res.set('Cache-Control', 'no-store').json({ default: registry.resolve().name, models });
  });
  const setHeaders = (res: Response, path: string): void => {
    // Vite puts a hash of the contents into the names under assets/; the page itself must be asked for.
    const hashed = /[\\/]assets[\\/][^\\/]+$/.test(path);
    res.set('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    res.set('Content-Security-Policy', DEMO_POLICY);
  };
  router.use(express.static(directory, { cacheControl: false, setHeaders }));
  return router;
}
