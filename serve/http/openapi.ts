import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { RequestHandler, Router } from 'express';
import express from 'express';
import { z } from 'zod';
import { ErrorAnswer } from '../schemas.ts';
import { type Content, json, type Route } from './route.ts';
import { PAGE_POLICY } from './security-headers.ts';

type Json = Record<string, unknown>;

const REFUSALS: Record<number, string> = {
  400: 'The request is malformed.',
  401: 'The API key is missing or wrong.',
  404: 'There is no such model.',
  408: 'The request took too long to arrive.',
  413: 'The body, an image or the number of images is too large.',
  415: 'The content type, or the format of the image, is not supported.',
  422: 'The image is damaged.',
  429: 'Too many requests from this address.',
  500: 'Something went wrong in the server.',
  503: 'The server is loading, overloaded or restarting; `Retry-After` says when to try again.',
};

/** The OpenAPI 3.1 document of the routes, with the schemas that they validate with. */
export function openApiDocument(routes: readonly Route[], apiKey: boolean): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path]![route.method] = describeRoute(route, apiKey, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'onnx-classifier',
      version: '0.1.0',
      description: 'Image classification with ONNX models; speaks the Open Inference Protocol v2.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // From where this document is: a proxy may have put the whole server under a path of its own.
    servers: [{ url: './' }],
    paths,
    components: {
      schemas,
      ...(apiKey && {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        },
      }),
    },
  };
}

function describeRoute(route: Route, apiKey: boolean, schemas: Json): Json {
  const {
    id,
    summary,
    tag,
    params,
    query,
    headers = {},
    body,
    bodyOptional = false,
    answers,
    refusals = [],
    open = false,
  } = route;
  const guarded = apiKey && !open;
  const refused = [...refusals, 500, ...(guarded ? [401] : []), ...(open ? [] : [429])];
  const parameters = [
    ...parametersOf('path', params, schemas),
    ...parametersOf('query', query, schemas),
    ...Object.entries(headers).map(([name, { description, schema }]) => ({
      name,
      in: 'header',
      description,
      required: false,
      schema: jsonSchema(schema, 'output', schemas),
    })),
  ];
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: !bodyOptional, content: contentOf(body, 'input', schemas) } }),
    responses: Object.fromEntries([
      ...Object.entries(answers).map(([status, { description, content }]) => [
        status,
        { description, content: contentOf(content, 'output', schemas) },
      ]),
      ...refused
        .filter((status) => !(status in answers))
        .map((status) => [
          status,
          {
            description: REFUSALS[status],
            content: contentOf(json(ErrorAnswer), 'output', schemas),
          },
        ]),
    ]),
    ...(guarded && { security: [{ bearer: [] }, { header: [] }] }),
  };
}

function parametersOf(place: 'path' | 'query', object: z.ZodObject | undefined, schemas: Json): Json[] {
  if (!object) return [];
  return Object.entries(object.shape).map(([name, field]) => {
    const { description, ...schema } = jsonSchema(field as z.ZodType, 'output', schemas);
    const required = place === 'path' || !(field as z.ZodType).safeParse(undefined).success;
    return { name, in: place, required, ...(description !== undefined && { description }), schema };
  });
}

function contentOf(content: Content, io: 'input' | 'output', schemas: Json): Json {
  return Object.fromEntries(
    Object.entries(content).map(([type, schema]) => [
      type,
      schema ? { schema: jsonSchema(schema, io, schemas) } : {},
    ]),
  );
}

/** A schema with those that have an id moved to `#/components/schemas`. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const made = z.toJSONSchema(schema, {
    io,
    // What JSON Schema cannot say says it in its `meta`.
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Zod's own limits of a whole number; nobody means them.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  }) as Json;
  const { $schema: _, $defs = {}, id, ...rest } = made;
  const moved = JSON.parse(JSON.stringify(rest).replaceAll('#/$defs/', '#/components/schemas/')) as Json;
  for (const [name, definition] of Object.entries($defs as Json)) {
    const { id: __, ...plain } = definition as Json;
    schemas[name] ??= JSON.parse(JSON.stringify(plain).replaceAll('#/$defs/', '#/components/schemas/'));
  }
  if (typeof id !== 'string') return moved;
  schemas[id] ??= moved;
  return { $ref: `#/components/schemas/${id}` };
}

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
