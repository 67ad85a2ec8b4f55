/**
 * onnx-classifier for pages: classifies pictures in the browser, by a model that runs in the page or by a server of
 * ours. What a model in the page gives are the server's numbers: the same code prepares the picture.
 */
import { UserError } from './core/errors.ts';
import type { Prediction } from './core/metrics/scores.ts';
import { decodePicture } from './web-demo/page/worker/picture.ts';

export { type Prediction, UserError };

/** A file, or what a page shows: an image, a canvas, a video as it stands. Of other origins only with their leave. */
export type Picture = ImageBitmapSource;

export interface WebClassifyOptions {
  /** How many classes; default 5. */
  topK?: number;
}

export interface WebClassifier {
  /** The names of the classes. */
  readonly labels: readonly string[];
  /**
   * @returns the best classes, best first
   * @throws UserError if it is no picture, or the server does not answer or refuses
   */
  classify(picture: Picture, options?: WebClassifyOptions): Promise<Prediction[]>;
  /** Frees the model. */
  close(): Promise<void>;
}

const TOP_K = 5;

/**
 * Opens a model of ours in the page, on onnxruntime-web's WebAssembly (a package of its own: `npm install
 * onnxruntime-web`).
 * @param source its address, relative to the page, or its bytes
 * @throws UserError if it cannot be fetched, or is no model of ours: another program's is written as one by
 *   `npm run export -- --foreign`
 * @example
 * const classifier = await openModel('/models/resnet14t.onnx');
 * const [best] = await classifier.classify(document.querySelector('img'));
 * console.log(best.label, best.probability);
 */
export async function openModel(source: string | URL | Blob | Uint8Array): Promise<WebClassifier> {
  const name = source instanceof URL ? source.href : typeof source === 'string' ? source : 'the model';
  const bytes = source instanceof Uint8Array ? source : await fetchBytes(source, name);
  const [{ isOurs, decodeMetadata }, { parseModel }, { openSession, InferenceSession, Tensor }] =
    await Promise.all([
      import('./core/model-metadata.ts'),
      import('./core/onnx/parse-model.ts'),
      import('./core/runtime/session.ts'),
    ]);
  const [{ OpenClassifier }, { Lock }, { prepareImage }, { bestPredictions }] = await Promise.all([
    import('./web-demo/page/worker/classifier.ts'),
    import('./web-demo/page/worker/lock.ts'),
    import('./core/preprocess/prepare-image.ts'),
    import('./core/metrics/scores.ts'),
  ]);
  const props = Object.fromEntries(
    parseModel(bytes, name).metadataProps.map(({ key, value }) => [key ?? '', value ?? '']),
  );
  if (!isOurs(props)) {
    throw new UserError(
      `${name} is a model of another program; write it as one of ours with npm run export -- --foreign FILE`,
    );
  }
  const metadata = decodeMetadata(props, name);
  const session = await openSession(bytes, { executionProviders: ['wasm'] });
  const ort = { InferenceSession, Tensor };
  const model = new OpenClassifier(
    { session, ort, lock: new Lock(), backend: 'wasm', runtimeUrl: '' },
    metadata,
    name,
  );
  const size = { width: metadata.inputWidth, height: metadata.inputHeight };
  return {
    labels: metadata.labels,
    classify: async (picture, { topK = TOP_K } = {}) => {
      const small = prepareImage(await decodePicture(picture), size);
      const { logits } = await model.run(model.normalizer.batch([small.data], model.pixels), 1);
      const best = bestPredictions(logits, metadata, topK);
      if (!best) throw new UserError(`${name} gave a score that is not a number`);
      return best;
    },
    close: () => model.release(),
  };
}

export interface ServerChoice {
  /** Its model, `NAME` or `NAME@VERSION`; default its first. */
  model?: string;
  /** Of a server with a key. */
  apiKey?: string;
}

/**
 * Asks a server of ours, which must let the page's origin (`npm run serve -- --cors ORIGIN`) if it is another.
 * @param url its address, relative to the page
 * @throws UserError if it does not answer, or has no such model
 * @example
 * const classifier = await openServer('http://127.0.0.1:8080');
 * const [best] = await classifier.classify(document.querySelector('img'));
 * console.log(best.label, best.probability);
 */
export async function openServer(
  url: string | URL,
  { model, apiKey }: ServerChoice = {},
): Promise<WebClassifier> {
  const root = new URL(`${String(url).replace(/\/$/, '')}/`, globalThis.location?.href);
  const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const headers = new Headers(init.headers);
    if (apiKey !== undefined) headers.set('authorization', `Bearer ${apiKey}`);
    const response = await fetch(new URL(path, root), { ...init, headers }).catch(() => {
      throw new UserError(
        `no server answers this page at ${root.href}; is it running, with --cors for this page?`,
      );
    });
    const answer = (await response.json().catch(() => ({}))) as { error?: unknown };
    if (response.ok) return answer;
    throw new UserError(
      typeof answer.error === 'string' ? answer.error : `the server answers ${response.status}`,
    );
  };
  const path = model === undefined ? 'model' : `models/${encodeURIComponent(model)}`;
  const { labels } = (await ask(path)) as { labels: string[] };
  return {
    labels,
    classify: async (picture, { topK = TOP_K } = {}) => {
      const query = new URLSearchParams({ topk: String(topK), ...(model === undefined ? {} : { model }) });
      const body = picture instanceof Blob ? picture : await pngOf(picture);
      // Whatever the file says it is: the server looks itself.
      const headers = { 'content-type': 'application/octet-stream' };
      const answer = await ask(`predict?${query}`, { method: 'POST', body, headers });
      return (answer as { predictions: Prediction[] }).predictions;
    },
    close: async () => {},
  };
}

async function fetchBytes(source: string | URL | Blob, name: string): Promise<Uint8Array> {
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  const response = await fetch(source).catch(() => undefined);
  if (!response?.ok) throw new UserError(`${name} cannot be fetched (${response?.status ?? 'no answer'})`);
  return new Uint8Array(await response.arrayBuffer());
}

/** What is shown, as a file. */
async function pngOf(picture: Picture): Promise<Blob> {
  const { data, width, height } = await decodePicture(picture);
  const canvas = new OffscreenCanvas(width, height);
  const image = new ImageData(new Uint8ClampedArray(data), width, height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
