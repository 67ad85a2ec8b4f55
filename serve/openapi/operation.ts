import type { RequestHandler } from 'express';
import type { z } from 'zod';

/** What a body or an answer may be, by media type; a Zod schema, or null for bytes. */
export type Content = Record<string, z.ZodType | null>;

/** One endpoint: how it is routed, and what the OpenAPI document says of it. One source for both. */
export interface Operation {
  method: 'get' | 'post';
  /** With parameters in braces: `/v2/models/{model}`. */
  path: string;
  id: string;
  summary: string;
  tag: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** Request headers with a meaning of their own. */
  headers?: Record<string, { description: string; schema: z.ZodType }>;
  body?: Content;
  /** Whether it may be left out. */
  bodyOptional?: boolean;
  answers: Record<number, { description: string; content: Content }>;
  /** The statuses of refusals; those every endpoint has are added. */
  refusals?: number[];
  /** Whether it may be asked without the API key. */
  open?: boolean;
  handlers: RequestHandler[];
}
