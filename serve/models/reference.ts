import { Refusal } from '../../core/errors.ts';

/** A model as a client names it; without a version the newest is meant. */
export interface ModelReference {
  name: string;
  version?: number;
}

/** What a model may be called: it becomes part of addresses and of file names. */
export const MODEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/**
 * What a model is called whose file has any name: its letters without their accents, `_` for all that an address
 * cannot hold as it is (spaces, brackets, `=`, `@`, other scripts), 100 characters at most.
 */
export function safeName(name: string): string {
  return (
    name
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .replace(/[^\w.-]/gu, '_')
      .replace(/^[.-]/, '_')
      .slice(0, 100) || 'model'
  );
}

export const MODEL_VERSION = /^[1-9]\d{0,8}$/;

/**
 * Reads `resnet50`, `resnet50@2` or `resnet50@latest`. As in Triton, versions are whole numbers from 1, and
 * no version (or `latest`) means the highest.
 * @throws Refusal 404 if it can be no model's name
 */
export function parseReference(text: string): ModelReference {
  const [name = '', version, ...more] = text.split('@');
  if (!MODEL_NAME.test(name) || more.length > 0) throw noSuchModel(text);
  return withVersion(name, version);
}

/** A name and the version beside it, as in `/v2/models/{name}/versions/{version}`. */
export function withVersion(name: string, version: string | undefined): ModelReference {
  if (version === undefined || version === 'latest') return { name };
  if (!MODEL_VERSION.test(version)) throw noSuchModel(`${name}@${version}`);
  return { name, version: Number(version) };
}

export function noSuchModel(text: string): Refusal {
  return new Refusal(404, `there is no model ${JSON.stringify(text.slice(0, 120))} here; see GET /models`);
}
