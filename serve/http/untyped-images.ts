import type { RequestHandler } from 'express';
import { Refusal } from '../../core/errors.ts';
import { imageFormat } from '../../core/image/format.ts';
import type { ImageRequest } from './image-request.ts';

/**
 * Before the body is read: one that says nothing of itself is taken for an image, so that `curl --data-binary
 * @picture`, which calls all it sends a form's fields, and `curl -X POST -T picture`, which calls it nothing, work
 * as they stand. Afterwards {@link checkUntyped} looks whether it is.
 */
export const takeUntyped: RequestHandler = (req, res, next) => {
  const type = req.headers['content-type'];
  if (type === undefined || /^application\/x-www-form-urlencoded\b/i.test(type)) {
    res.locals.untyped = type ?? 'none';
    req.headers['content-type'] = 'application/octet-stream';
  }
  next();
};

/** @throws Refusal 415 if a body that does not say what it is, is no image */
export const checkUntyped: RequestHandler = (_req, res, next) => {
  const { untyped, images } = res.locals as { untyped?: string; images: ImageRequest };
  const [first] = images.images;
  if (untyped !== undefined && first instanceof Uint8Array && !imageFormat(first)) {
    throw new Refusal(
      415,
      `unsupported content-type ${JSON.stringify(untyped)} for what is no image; send JSON as application/json, ` +
        'files as multipart/form-data (field "image") or as they are',
    );
  }
  next();
};
