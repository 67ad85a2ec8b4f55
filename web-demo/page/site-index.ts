import { errorMessage, UserError } from '../../core/errors.ts';

export interface SiteModel {
  name: string;
  /** In the file relative to the page; {@link fetchSiteIndex} makes it absolute. */
  url: string;
  /** 0 if the server does not say. */
  bytes: number;
  /** Where the server answers `POST` with predictions of this model; absent if it does not. */
  predict?: string;
}

/** `models/index.json` as the demo's server and the inference server write it: what they have to offer. */
export interface SiteIndex {
  /** The name of the model to open first. */
  default: string;
  /** What to open first instead where the line or the device is weak; absent if the server has nothing lighter. */
  light?: string;
  models: SiteModel[];
  /** CIFAR-100's test.bin; absent if the server has none. */
  testSet?: { url: string; bytes: number };
  /** The stream of training runs, by server-sent events; absent if the server has none. */
  runs?: string;
}

/**
 * Asks the page's server what it has.
 * @throws UserError if it answers with something else or not at all
 */
export async function fetchSiteIndex(): Promise<SiteIndex> {
  const index = (await fetchJson('models/index.json')) as Partial<SiteIndex>;
  if (typeof index.default !== 'string' || !Array.isArray(index.models)) throw notUnderstood();
  return {
    default: index.default,
    ...(index.light !== undefined && { light: index.light }),
    models: index.models.map((model) => ({ ...model, url: absolute(model.url) })),
    ...(index.runs !== undefined && { runs: index.runs }),
    ...(index.testSet && { testSet: { ...index.testSet, url: absolute(index.testSet.url) } }),
  };
}

/** The worker fetches, and to it a relative address would be relative to its own file. */
function absolute(url: string): string {
  return new URL(url, document.baseURI).href;
}

async function fetchJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.json();
  } catch (error) {
    throw new UserError(
      `This server does not list its models (${errorMessage(error)}); start it again, or open an .onnx file.`,
    );
  }
}

function notUnderstood(): UserError {
  return new UserError(
    'This server lists its models in an unknown form; rebuild the page, or open an .onnx file.',
  );
}
