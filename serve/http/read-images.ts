import type { Writable } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import type { Request } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { errorMessage, Refusal } from '../../core/errors.ts';
import { imageFormat } from '../../core/image/format.ts';
import type { RunLimits } from '../inference/pool.ts';
import type { FetchImage } from './fetch-image.ts';
import { type ImageRequest, readJsonImages, readLargeJsonImages } from './json-images.ts';
import { bodyTooLarge, type Limits, tooManyImages } from './limits.ts';
import { LARGE_JSON } from './read-json.ts';
import type { ReceiveBody } from './receive-body.ts';
import type { RequestContext } from './request-context.ts';

const HOW_TO_SEND =
  'send the image as multipart/form-data (field "image" or "file"), as a raw body, or as JSON ' +
  '{"image": "<base64>"}';

/** What reads bodies of images. */
export interface ImageReader {
  limits: Limits;
  receive: ReceiveBody;
  /** Fetches those that are named by their address; absent: that is refused. */
  fetchImage?: FetchImage | undefined;
}

/**
 * Reads the body of `POST /predict` in any of its forms. Its bytes say which it is, whatever the content type says: an
 * image, JSON, a form.
 * @throws Refusal 400 without images, 413 too many, 415 of another kind, or as `receive` and the readers refuse
 */
export async function readImages(context: RequestContext, reader: ImageReader): Promise<ImageRequest> {
  const { req } = context;
  const length = Number(req.headers['content-length'] ?? Number.NaN);
  if (length === 0 || (Number.isNaN(length) && req.headers['transfer-encoding'] === undefined)) {
    throw new Refusal(400, `the request has no body; ${HOW_TO_SEND}`);
  }
  const body = await reader.receive(context);
  if (body.length === 0) throw new Refusal(400, `the body is empty; ${HOW_TO_SEND}`);
  const asCurlSends = Boolean(req.is('application/x-www-form-urlencoded'));
  if (imageFormat(body)) {
    if (asCurlSends && body.length > NEVER_WITHOUT && !body.includes(0x0a) && !body.includes(0x0d)) {
      throw new Refusal(400, `the image has lost all bytes that end lines; ${CURL_STRIPS}`);
    }
    return { list: false, images: [body] };
  }
  const sent = req.headers['content-type'];
  const isForm = Boolean(req.is('multipart/form-data'));
  const boundary = boundaryOf(body);
  if (isForm || boundary !== undefined) {
    const isWhole = isForm && /;\s*boundary=/i.test(sent ?? '');
    if (boundary !== undefined && !isWhole) {
      req.headers['content-type'] = `multipart/form-data; boundary="${boundary}"`;
    }
    return fromForm(body, context, reader.limits);
  }
  const isJson = Boolean(req.is(['application/json', '+json']));
  if (isJson || startsAsJson(body)) return fromJson(body, context, reader, isJson);
  // What is wrong with it, the decoder says.
  if (req.is(['image/*', 'application/octet-stream'])) return { list: false, images: [body] };
  throw new Refusal(
    415,
    `the body is no image, and neither JSON nor a form (content-type ${JSON.stringify(sent ?? 'none')}); ${asCurlSends ? `if it was one, line ends are missing: ${CURL_STRIPS}` : HOW_TO_SEND}`,
  );
}

/** Bytes of packed data among which there are always some that end lines, but for one in a million million. */
const NEVER_WITHOUT = 4096;
const CURL_STRIPS = 'curl -d takes them out of an image; send it with --data-binary @FILE';

/** What separates the parts of a form, if the bytes begin as one. */
function boundaryOf(body: Buffer): string | undefined {
  const head = body.toString('latin1', 0, 512);
  return /^(?:\r\n)?--([^\s"\\][^\r\n"\\]{0,69})\r\ncontent-(?:disposition|type):/i.exec(head)?.[1];
}

/** Whether the first byte that is no white space, nor a mark of UTF-8, opens an object or a list. */
function startsAsJson(body: Buffer): boolean {
  return /^(?:\xef\xbb\xbf)?\s*[{[]/.test(body.toString('latin1', 0, 512));
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

/** Fields whose answer is a list, even for one file. */
const LIST_FIELDS = new Set(['images', 'files', 'images[]', 'files[]']);
const FIELDS = new Set(['image', 'file', ...LIST_FIELDS]);

function fromFiles(req: Request): ImageRequest {
  const files = (req.files ?? []) as Express.Multer.File[];
  if (files.length === 0) {
    const [text] = Object.keys((req.body as object | undefined) ?? {}).filter((name) => FIELDS.has(name));
    throw new Refusal(
      400,
      text === undefined
        ? 'no image in the multipart body; send it as a file in the field "image"'
        : `the field "${text}" holds text and no file; send the file itself, with curl: -F ${text}=@FILE`,
    );
  }
  const names = new Set(files.map(({ fieldname }) => fieldname));
  // One field of any name; of several only ours, for what the others are is not known.
  if (names.size > 1 && ![...names].every((name) => FIELDS.has(name))) {
    throw new Refusal(
      400,
      `files in several fields (${[...names].map((name) => JSON.stringify(name)).join(', ')}); send images in the field "image"`,
    );
  }
  return {
    list: files.length > 1 || LIST_FIELDS.has(files[0]!.fieldname),
    images: files.map((file) => file.buffer),
  };
}

/**
 * What is read and decoded quickly is so here, the rest in a thread.
 * @param isDeclared whether the content type says JSON. Only then addresses are fetched: what pages of other origins may
 *   send without asking is never called so.
 */
async function fromJson(
  body: Buffer<ArrayBuffer>,
  { req, runLimits }: RequestContext,
  { limits, fetchImage }: ImageReader,
  isDeclared: boolean,
): Promise<ImageRequest> {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(req.headers['content-type'] ?? '')?.[1];
  if (isDeclared && charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new Refusal(415, 'JSON is in UTF-8; leave out the charset');
  }
  const maxImages = limits.images;
  const request =
    body.length <= LARGE_JSON
      ? readJsonImages(body, maxImages)
      : await readLargeJsonImages({ body, maxImages }, runLimits);
  if (request.urls === undefined) return request;
  if (!fetchImage) {
    throw new Refusal(
      400,
      'this server fetches no images by their address (--image-urls is off); send the image',
    );
  }
  if (!isDeclared) throw new Refusal(415, 'addresses of images are sent with content-type application/json');
  return {
    list: request.list,
    images: await fetchAll(request.urls, fetchImage, limits.bodyBytes, runLimits),
  };
}

/** So many images of a request are fetched at a time. */
const FETCHED_AT_A_TIME = 4;

/** One that cannot be had is refused alone. Together they may have as many bytes as a body. */
async function fetchAll(
  urls: readonly string[],
  fetchImage: FetchImage,
  maxBytes: number,
  { isGone = () => false, deadline = Number.POSITIVE_INFINITY }: RunLimits,
): Promise<(Uint8Array | Refusal)[]> {
  const late = new Refusal(503, 'the images before it took all the time that there is', 1);
  const images: (Uint8Array | Refusal)[] = urls.map(() => late);
  let next = 0;
  let bytes = 0;
  const work = async (): Promise<void> => {
    while (next < urls.length && !isGone() && performance.now() < deadline) {
      const at = next++;
      try {
        const image = await fetchImage(urls[at]!, maxBytes - bytes);
        bytes += image.length;
        if (bytes > maxBytes) throw new Refusal(413, 'the images at the addresses are too large together');
        images[at] = image;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        images[at] = error;
      }
    }
  };
  await Promise.all(Array.from({ length: FETCHED_AT_A_TIME }, work));
  return images;
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
