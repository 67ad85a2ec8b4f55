import type { Request, RequestHandler, Response } from 'express';
import { Refusal } from '../../core/errors.ts';
import type { Limits } from '../http/limits.ts';
import { runLimits } from '../http/run-limits.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import { encodeInfer } from './infer-answer.ts';
import { parseInfer } from './infer-request.ts';
import { hasLargeJson, parseLarge } from './large-request.ts';

export const HEADER_LENGTH = 'Inference-Header-Content-Length';

/** Answers `/infer` from `res.locals.model` and the bytes in `req.body`. */
export function inferHandler(limits: Limits): RequestHandler {
  return async (req, res) => {
    const model = res.locals.model as LoadedModel;
    const body: unknown = req.body;
    if (!Buffer.isBuffer(body) || body.length === 0)
      throw new Refusal(400, 'the request has no body; send {"inputs": [...]}');
    const { inputHeight: height, inputWidth: width } = model.served.metadata;
    const question = {
      body,
      headerLength: headerLength(req),
      size: { height, width, maxImages: limits.images },
    };
    const waits = runLimits(res, limits);
    const request = hasLargeJson(body, question.headerLength)
      ? await parseLarge(question, waits)
      : parseInfer(body, question.headerLength, question.size);
    const { logits } = await model.pool.run(request.input, request.images, waits);
    (res.locals.releaseModel as () => void)();
    const { json, binary } = encodeInfer(model, request, logits);
    if (binary.length === 0) res.json(json);
    else sendBinary(res, JSON.stringify(json), binary);
  };
}

function headerLength(req: Request): number | undefined {
  const text = req.get(HEADER_LENGTH);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Refusal(400, `${HEADER_LENGTH} must be a number of bytes`);
  return Number(text);
}

function sendBinary(res: Response, json: string, binary: readonly Buffer[]): void {
  const head = Buffer.from(json);
  const body = Buffer.concat([head, ...binary]);
  res.setHeader(HEADER_LENGTH, String(head.length));
  res.setHeader('Content-Type', 'application/octet-stream');
  res.setHeader('Content-Length', String(body.length));
  res.end(body);
}
