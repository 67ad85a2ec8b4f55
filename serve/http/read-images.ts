import type { Writable } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import type { Request } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { errorMessage, Refusal } from '../../core/errors.ts';
import { imageFormat } from '../../core/image/format.ts';
import { type ImageRequest, readJsonImages, readLargeJsonImages } from './json-images.ts';
import { bodyTooLarge, type Limits, tooManyImages } from './limits.ts';
import { LARGE_JSON } from './read-json.ts';
import type { ReceiveBody } from './receive-body.ts';
import type { RequestContext } from './request-context.ts';

type ToImages = (
  body: Buffer<ArrayBuffer>,
  context: RequestContext,
  limits: Limits,
) => ImageRequest | Promise<ImageRequest>;

const HOW_TO_SEND =
  'send the image as multipart/form-data (field "image"), as a raw body (content-type image/* or ' +
  'application/octet-stream), or as JSON {"image": "<base64>"}';

const READERS: readonly [type: string | string[], toImages: ToImages][] = [
  ['multipart/form-data', fromForm],
  [['image/*', 'application/octet-stream'], (body) => ({ list: false, images: [body] })],
  [['application/json', '+json'], fromJson],
];

/**
 * Reads the body of `POST /predict` in any of its forms. One that says nothing of itself is taken for an image, so that
 * `curl --data-binary @picture`, which calls all it sends a form's fields, and `curl -X POST -T picture`, which calls
 * it nothing, work as they stand.
 * @throws Refusal 400 without images, 413 too many, 415 of another kind, or as `receive` and the readers refuse
 */
export async function readImages(
  context: RequestContext,
  limits: Limits,
  receive: ReceiveBody,
): Promise<ImageRequest> {
  const { req } = context;
  const sent = req.headers['content-type'] ?? 'none';
  const isUntyped = sent === 'none' || /^application\/x-www-form-urlencoded\b/i.test(sent);
  if (isUntyped) req.headers['content-type'] = 'application/octet-stream';
  const length = Number(req.headers['content-length'] ?? Number.NaN);
  if (length === 0 || (Number.isNaN(length) && req.headers['transfer-encoding'] === undefined)) {
    throw new Refusal(400, `the request has no body; ${HOW_TO_SEND}`);
  }
  const reader = READERS.find(([type]) => req.is(type));
  if (!reader) throw new Refusal(415, `unsupported content-type ${JSON.stringify(sent)}; ${HOW_TO_SEND}`);
  const body = await receive(context);
  if (body.length === 0) throw new Refusal(400, `the body is empty; ${HOW_TO_SEND}`);
  if (isUntyped && !imageFormat(body)) {
    throw new Refusal(
      415,
      `unsupported content-type ${JSON.stringify(sent)} for what is no image; send JSON as application/json, ` +
        'files as multipart/form-data (field "image") or as they are',
    );
  }
  const [, toImages] = reader;
  return toImages(body, context, limits);
}

/** So much of a form is read in one go, in a millisecond or so. */
const FORM_PIECE = 262_144;

/** Reads a form whose bytes are all there: multer itself would wait for whoever sends them. */
async function fromForm(
  body: Buffer<ArrayBuffer>,
  { req, res }: RequestContext,
  limits: Limits,
): Promise<ImageRequest> {
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
  { req, runLimits }: RequestContext,
  limits: Limits,
): ImageRequest | Promise<ImageRequest> {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(req.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new Refusal(415, 'JSON is in UTF-8; leave out the charset');
  }
  if (body.length <= LARGE_JSON) return readJsonImages(body, limits.images);
  return readLargeJsonImages({ body, maxImages: limits.images }, runLimits);
}

/**
 * Multer storage that keeps files in memory and bounds what they hold together; multer itself only bounds
 * each file, and a body sent in chunks does not say its length beforehand.
 */
class UploadStorage implements StorageEngine {
  readonly #maxBytes: number;
  readonly #received = new WeakMap<Request, number>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  _handleFile(
    req: Request,
    file: Express.Multer.File,
    done: (error?: unknown, info?: Partial<Express.Multer.File>) => void,
  ): void {
    let chunks: Buffer[] = [];
    let refused = false;
    file.stream.on('data', (chunk: Buffer) => {
      if (refused) return;
      const total = (this.#received.get(req) ?? 0) + chunk.length;
      this.#received.set(req, total);
      if (total > this.#maxBytes) {
        refused = true;
        chunks = [];
        done(bodyTooLarge(this.#maxBytes));
        return;
      }
      chunks.push(chunk);
    });
    file.stream.on('end', () => {
      if (refused) return;
      const buffer = Buffer.concat(chunks);
      done(null, { buffer, size: buffer.length });
    });
  }

  _removeFile(_req: Request, file: Express.Multer.File, done: (error: Error | null) => void): void {
    (file as Partial<Express.Multer.File>).buffer = Buffer.alloc(0);
    done(null);
  }
}

/** Turns what multer throws into a clear refusal. */
function describeBodyError(error: unknown, limits: Limits): unknown {
  if (!(error instanceof MulterError)) return error;
  switch (error.code) {
    case 'LIMIT_FILE_SIZE':
      return bodyTooLarge(limits.bodyBytes);
    case 'LIMIT_FILE_COUNT':
      return tooManyImages(limits.images);
    default:
      return new Refusal(400, `malformed multipart body: ${error.message.toLowerCase()}`);
  }
}
