import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import express, { type RequestHandler, type Router } from 'express';
import { PAGE_POLICY } from '../http/security-headers.ts';

const SWAGGER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>onnx-classifier API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null });
`;

const policy: RequestHandler = (_req, res, next) => {
  res.set('Content-Security-Policy', PAGE_POLICY);
  next();
};

/** The page to try the API on: Swagger UI, all of it from this server, nothing inline. */
export function docsPage(): Router {
  // Strict: from `/docs/` the page's relative addresses would lead elsewhere.
  const router = express.Router({ strict: true });
  router.get('/docs', policy, (_req, res) => {
    res.type('html').send(PAGE);
  });
  router.get('/docs/start.js', (_req, res) => {
    res.type('js').send(START);
  });
  for (const file of FILES) {
    router.get(`/docs/${file}`, (_req, res) => {
      res.sendFile(join(SWAGGER, file), { dotfiles: 'allow', maxAge: '1d' });
    });
  }
  return router;
}
