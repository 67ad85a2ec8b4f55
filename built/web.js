import { UserError } from './web/chunk-CQTP4RLG.js';
import './web/chunk-MOR2SDXV.js';

// web-demo/page/worker/picture.ts
var MAX_PIXELS = 5e7;
async function decodePicture(file) {
  let name = file instanceof File ? `"${file.name}"` : 'What you gave',
    bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image', premultiplyAlpha: 'none' });
  } catch {
    throw new UserError(`${name} is not a picture this browser can read; use a PNG, JPEG, WebP or GIF file.`);
  }
  try {
    const { width, height } = bitmap;
    if (width * height > MAX_PIXELS)
      throw new UserError(
        `${name} is ${width}\xD7${height}, more than ${MAX_PIXELS / 1e6} megapixels; scale it down first.`,
      );
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: !0 });
    if (!context) throw new UserError(`${name} does not fit in this browser's memory; scale it down first.`);
    return (
      (context.fillStyle = '#ffffff'),
      context.fillRect(0, 0, width, height),
      context.drawImage(bitmap, 0, 0),
      { width, height, data: context.getImageData(0, 0, width, height).data, channels: 4 }
    );
  } finally {
    bitmap.close();
  }
}

// web.ts
var TOP_K = 5;
async function openModel(source) {
  const name = source instanceof URL ? source.href : typeof source == 'string' ? source : 'the model',
    bytes = source instanceof Uint8Array ? source : await fetchBytes(source, name),
    [{ isOurs, decodeMetadata }, { parseModel }, { openSession, InferenceSession, Tensor }] =
      await Promise.all([
        import('./web/model-metadata-RDU5XPZW.js'),
        import('./web/parse-model-65DBEFUQ.js'),
        import('./web/session-XJPTAOH2.js'),
      ]),
    [{ OpenClassifier }, { Lock }, { prepareImage }, { bestPredictions }] = await Promise.all([
      import('./web/classifier-C5Z7BYRW.js'),
      import('./web/lock-A6675CY3.js'),
      import('./web/prepare-image-LB7XPUXT.js'),
      import('./web/scores-7M74JY27.js'),
    ]),
    props = Object.fromEntries(
      parseModel(bytes, name).metadataProps.map(({ key, value }) => [key ?? '', value ?? '']),
    );
  if (!isOurs(props))
    throw new UserError(
      `${name} is a model of another program; write it as one of ours with onnx-classifier export --foreign FILE`,
    );
  const metadata = decodeMetadata(props, name),
    session = await openSession(bytes, { executionProviders: ['wasm'] }),
    ort = { InferenceSession, Tensor },
    model = new OpenClassifier(
      { session, ort, lock: new Lock(), backend: 'wasm', runtimeUrl: '' },
      metadata,
      name,
    ),
    size = { width: metadata.inputWidth, height: metadata.inputHeight };
  return {
    labels: metadata.labels,
    classify: async (picture, { topK = TOP_K } = {}) => {
      const small = prepareImage(await decodePicture(picture), size),
        { logits } = await model.run(model.normalizer.batch([small.data], model.pixels), 1),
        best = bestPredictions(logits, metadata, topK);
      if (!best) throw new UserError(`${name} gave a score that is not a number`);
      return best;
    },
    close: () => model.release(),
  };
}
async function openServer(url, { model, apiKey } = {}) {
  const root = new URL(`${String(url).replace(/\/$/, '')}/`, globalThis.location?.href),
    ask = async (path2, init = {}) => {
      const headers = new Headers(init.headers);
      apiKey !== void 0 && headers.set('authorization', `Bearer ${apiKey}`);
      const response = await fetch(new URL(path2, root), { ...init, headers }).catch(() => {
          throw new UserError(
            `no server answers this page at ${root.href}; is it running, with --cors for this page?`,
          );
        }),
        answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      throw new UserError(
        typeof answer.error == 'string' ? answer.error : `the server answers ${response.status}`,
      );
    },
    path = model === void 0 ? 'model' : `models/${encodeURIComponent(model)}`,
    { labels } = await ask(path);
  return {
    labels,
    classify: async (picture, { topK = TOP_K } = {}) => {
      const query = new URLSearchParams({ topk: String(topK), ...(model === void 0 ? {} : { model }) }),
        body = picture instanceof Blob ? picture : await pngOf(picture),
        headers = { 'content-type': 'application/octet-stream' };
      return (await ask(`predict?${query}`, { method: 'POST', body, headers })).predictions;
    },
    close: async () => {},
  };
}
async function fetchBytes(source, name) {
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  const response = await fetch(source).catch(() => {});
  if (!response?.ok) throw new UserError(`${name} cannot be fetched (${response?.status ?? 'no answer'})`);
  return new Uint8Array(await response.arrayBuffer());
}
async function pngOf(picture) {
  const { data, width, height } = await decodePicture(picture),
    canvas = new OffscreenCanvas(width, height),
    image = new ImageData(new Uint8ClampedArray(data), width, height);
  return (canvas.getContext('2d').putImageData(image, 0, 0), canvas.convertToBlob({ type: 'image/png' }));
}

export { openModel, openServer, UserError };
