import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import multer from 'multer';
import { errorMessage } from '../../core/errors.ts';
import { LARGE_JSON } from '../threads/large-json.ts';
import { bodyTooLarge, describeBodyError } from './body-errors.ts';
import { HttpError } from './http-error.ts';
import type { ImageRequest } from './image-request.ts';
import { readJsonImages } from './json-images.ts';
import { readLargeJsonImages } from './large-json-images.ts';
import type { Limits } from './limits.ts';
import { runLimits } from './run-limits.ts';
import { UploadStorage } from './upload-storage.ts';

type Middleware = (req: Request, res: Response, next: NextFunction) => void;
type ToImages = (req: Request, res: Response) => ImageRequest | Promise<ImageRequest>;

const HOW_TO_SEND =
  'send the image as multipart/form-data (field "image"), as a raw body (content-type image/* or ' +
  'application/octet-stream), or as JSON {"image": "<base64>"}';

/** Reads the body of `POST /predict` in any of its forms into `res.locals.images`. */
export function readImages(limits: Limits): RequestHandler {
  const readBytes = express.raw({ type: () => true, limit: limits.bodyBytes });
  const readers: [type: string | string[], read: Middleware, toImages: ToImages][] = [
    ['multipart/form-data', multipartReader(limits), fromFiles],
    [['image/*', 'application/octet-stream'], readBytes, fromRaw],
    [['application/json', '+json'], readBytes, (req, res) => fromJson(req, res, limits)],
  ];
  return (req, res, next) => {
    const length = Number(req.headers['content-length'] ?? Number.NaN);
    if (length > limits.bodyBytes) throw bodyTooLarge(limits.bodyBytes);
    if (length === 0 || (Number.isNaN(length) && req.headers['transfer-encoding'] === undefined)) {
      throw new HttpError(400, `the request has no body; ${HOW_TO_SEND}`);
    }
    const reader = readers.find(([type]) => req.is(type));
    if (!reader) {
      const sent = req.headers['content-type'] ?? 'none';
      throw new HttpError(415, `unsupported content-type ${JSON.stringify(sent)}; ${HOW_TO_SEND}`);
    }
    const [, read, toImages] = reader;
    read(req, res, async (error?: unknown) => {
      if (error) {
        next(describeBodyError(error, limits));
        return;
      }
      try {
        const images = toImages(req, res);
        res.locals.images = images instanceof Promise ? await images : images;
      } catch (refusal) {
        next(refusal);
        return;
      }
      next();
    });
  };
}

function multipartReader(limits: Limits): Middleware {
  const upload = multer({
    storage: new UploadStorage(limits.bodyBytes),
    limits: {
      fileSize: limits.bodyBytes,
      files: limits.images,
      fields: 16,
      fieldSize: 1024,
      fieldNameSize: 100,
      parts: limits.images + 16,
      headerPairs: 32,
    },
    fileFilter: (_req, file, accept) => {
      if (file.fieldname === 'image' || file.fieldname === 'images') accept(null, true);
      else accept(new HttpError(400, 'unexpected file field; send images in the field "image"'));
    },
  }).any();
  return (req, res, next) => {
    void upload(req, res, (error?: unknown) => {
      // Busboy's own complaints (no boundary, cut off within a part) are plain errors.
      if (error && Object.getPrototypeOf(error) === Error.prototype) {
        next(new HttpError(400, `malformed multipart body: ${errorMessage(error).toLowerCase()}`));
      } else next(error);
    });
  };
}

function fromFiles(req: Request): ImageRequest {
  const files = (req.files ?? []) as Express.Multer.File[];
  if (files.length === 0) {
    throw new HttpError(400, 'no image in the multipart body; send it as a file in the field "image"');
  }
  return {
    list: files.length > 1 || files[0]!.fieldname === 'images',
    images: files.map((file) => file.buffer),
  };
}

function fromRaw(req: Request): ImageRequest {
  const body: unknown = req.body;
  if (!Buffer.isBuffer(body) || body.length === 0)
    throw new HttpError(400, `the body is empty; ${HOW_TO_SEND}`);
  return { list: false, images: [body] };
}

/** What is read and decoded quickly is so here, the rest in a thread. */
function fromJson(req: Request, res: Response, limits: Limits): ImageRequest | Promise<ImageRequest> {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(req.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new HttpError(415, 'JSON is in UTF-8; leave out the charset');
  }
  const body: unknown = req.body;
  if (!Buffer.isBuffer(body)) throw new HttpError(400, `the body is empty; ${HOW_TO_SEND}`);
  if (body.length <= LARGE_JSON) return readJsonImages(body, limits.images);
  return readLargeJsonImages({ body, maxImages: limits.images }, runLimits(res, limits));
}
