import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import multer from 'multer';
import { errorMessage } from '../../core/errors.ts';
import { decodeBase64Image } from '../image/base64.ts';
import { parseInput } from '../schemas/parse.ts';
import { PredictJson } from '../schemas/predict.ts';
import { bodyTooLarge, describeBodyError, tooManyImages } from './body-errors.ts';
import { HttpError } from './http-error.ts';
import type { Limits } from './limits.ts';
import { UploadStorage } from './upload-storage.ts';

/** The images of a request. */
export interface ImageRequest {
  /** Whether the answer is a list: several files, or the plural `images`, even with one in it. */
  list: boolean;
  /** Each image's bytes, or why it could not be read. */
  images: (Uint8Array | HttpError)[];
}

type Middleware = (req: Request, res: Response, next: NextFunction) => void;

const HOW_TO_SEND =
  'send the image as multipart/form-data (field "image"), as a raw body (content-type image/* or ' +
  'application/octet-stream), or as JSON {"image": "<base64>"}';

/** Reads the body of `POST /predict` in any of its forms into `res.locals.images`. */
export function readImages(limits: Limits): RequestHandler {
  const readers: [type: string | string[], read: Middleware, toImages: (req: Request) => ImageRequest][] = [
    ['multipart/form-data', multipartReader(limits), (req) => fromFiles(req)],
    [
      ['image/*', 'application/octet-stream'],
      express.raw({ type: () => true, limit: limits.bodyBytes }),
      (req) => fromRaw(req),
    ],
    [
      ['application/json', '+json'],
      express.json({ type: () => true, limit: limits.bodyBytes, strict: true }),
      (req) => fromJson(req.body, limits.images),
    ],
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
    read(req, res, (error?: unknown) => {
      if (error) {
        next(describeBodyError(error, limits));
        return;
      }
      try {
        res.locals.images = toImages(req);
        next();
      } catch (refusal) {
        next(refusal);
      }
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

function fromJson(body: unknown, maxImages: number): ImageRequest {
  const request = parseInput(PredictJson, body, 'the JSON body');
  if ('image' in request) return { list: false, images: [decodeBase64Image(request.image)] };
  if (request.images.length > maxImages) throw tooManyImages(maxImages);
  return { list: true, images: request.images.map(decodeOrRefuse) };
}

/** In a list, one bad image does not fail the others. */
function decodeOrRefuse(value: unknown): Uint8Array | HttpError {
  try {
    return decodeBase64Image(value);
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
}
