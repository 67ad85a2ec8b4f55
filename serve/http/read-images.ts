import type { Writable } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import multer from 'multer';
import { errorMessage, Refusal } from '../../core/errors.ts';
import { LARGE_JSON } from '../threads/large-json.ts';
import { describeBodyError } from './body-errors.ts';
import type { ImageRequest } from './image-request.ts';
import { readJsonImages } from './json-images.ts';
import { readLargeJsonImages } from './large-json-images.ts';
import type { Limits } from './limits.ts';
import type { ReceiveBody } from './receive-body.ts';
import { runLimits } from './run-limits.ts';
import { UploadStorage } from './upload-storage.ts';

type ToImages = (
  body: Buffer<ArrayBuffer>,
  req: Request,
  res: Response,
) => ImageRequest | Promise<ImageRequest>;

const HOW_TO_SEND =
  'send the image as multipart/form-data (field "image"), as a raw body (content-type image/* or ' +
  'application/octet-stream), or as JSON {"image": "<base64>"}';

/** Reads the body of `POST /predict` in any of its forms into `res.locals.images`. */
export function readImages(limits: Limits, receive: ReceiveBody): RequestHandler {
  const readers: [type: string | string[], toImages: ToImages][] = [
    ['multipart/form-data', multipartReader(limits)],
    [['image/*', 'application/octet-stream'], (body) => ({ list: false, images: [body] })],
    [['application/json', '+json'], (body, req, res) => fromJson(body, req, res, limits)],
  ];
  return async (req, res, next) => {
    const length = Number(req.headers['content-length'] ?? Number.NaN);
    if (length === 0 || (Number.isNaN(length) && req.headers['transfer-encoding'] === undefined)) {
      throw new Refusal(400, `the request has no body; ${HOW_TO_SEND}`);
    }
    const reader = readers.find(([type]) => req.is(type));
    if (!reader) {
      const sent = req.headers['content-type'] ?? 'none';
      throw new Refusal(415, `unsupported content-type ${JSON.stringify(sent)}; ${HOW_TO_SEND}`);
    }
    const body = await receive(req, res);
    if (body.length === 0) throw new Refusal(400, `the body is empty; ${HOW_TO_SEND}`);
    const [, toImages] = reader;
    res.locals.images = await toImages(body, req, res);
    next();
  };
}

/** So much of a form is read in one go, in a millisecond or so. */
const FORM_PIECE = 262_144;

/** Reads a form whose bytes are all there: multer itself would wait for whoever sends them. */
function multipartReader(limits: Limits): ToImages {
  return async (body, req, res) => {
    let done = false;
    const feed = async (parser: Writable): Promise<void> => {
      for (let at = 0; at < body.length && !done; at += FORM_PIECE) {
        if (at > 0) await soon();
        parser.write(body.subarray(at, at + FORM_PIECE));
      }
      parser.end();
    };
    const options: multer.Options & { streamHandler: (req: Request, parser: Writable) => void } = {
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
        else accept(new Refusal(400, 'unexpected file field; send images in the field "image"'));
      },
      // Its types do not know it yet.
      streamHandler: (_req, parser) => {
        feed(parser).catch((error: Error) => parser.destroy(error));
      },
    };
    const upload = multer(options).any();
    await new Promise<void>((resolve, reject) => {
      void upload(req, res, (error?: unknown) => {
        done = true;
        // Busboy's own complaints (no boundary, cut off within a part) are plain errors.
        if (error && Object.getPrototypeOf(error) === Error.prototype) {
          reject(new Refusal(400, `malformed multipart body: ${errorMessage(error).toLowerCase()}`));
        } else if (error) reject(describeBodyError(error, limits));
        else resolve();
      });
    });
    return fromFiles(req);
  };
}

function fromFiles(req: Request): ImageRequest {
  const files = (req.files ?? []) as Express.Multer.File[];
  if (files.length === 0) {
    throw new Refusal(400, 'no image in the multipart body; send it as a file in the field "image"');
  }
  return {
    list: files.length > 1 || files[0]!.fieldname === 'images',
    images: files.map((file) => file.buffer),
  };
}

/** What is read and decoded quickly is so here, the rest in a thread. */
function fromJson(
  body: Buffer<ArrayBuffer>,
  req: Request,
  res: Response,
  limits: Limits,
): ImageRequest | Promise<ImageRequest> {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(req.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new Refusal(415, 'JSON is in UTF-8; leave out the charset');
  }
  if (body.length <= LARGE_JSON) return readJsonImages(body, limits.images);
  return readLargeJsonImages({ body, maxImages: limits.images }, runLimits(res, limits));
}
