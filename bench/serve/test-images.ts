import type { ImageDataset } from '../../core/data/dataset.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { encodePng } from '../../serve/evaluate/client.ts';
import type { LoadRequest } from './load.ts';

/** Test images one by one as PNG bodies of `/predict`, which all the servers understand. */
export async function pngRequests(dataset: ImageDataset, count: number): Promise<LoadRequest[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      path: '/predict',
      headers: { 'content-type': 'image/png' },
      body: await encodePng(dataset.test, i, dataset),
      images: 1,
    })),
  );
}

/** As long as fetch's: parsers search for it in steps of its length. */
const BOUNDARY = '----formdata-undici-012345678901';

/** The same files, several in each form. */
export function formRequests(files: readonly LoadRequest[], batch: number): LoadRequest[] {
  const requests: LoadRequest[] = [];
  for (let first = 0; first < files.length; first += batch) {
    const parts = files
      .slice(first, first + batch)
      .flatMap(({ body }, i) => [
        Buffer.from(
          `--${BOUNDARY}\r\ncontent-disposition: form-data; name="images"; filename="${i}.png"\r\ncontent-type: image/png\r\n\r\n`,
        ),
        body,
        Buffer.from('\r\n'),
      ]);
    requests.push({
      path: '/predict',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      body: Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]),
      images: Math.min(batch, files.length - first),
    });
  }
  return requests;
}

/** Normalised tensors in the binary form of the Open Inference Protocol. */
export function tensorRequests(
  dataset: ImageDataset,
  metadata: ClassifierMetadata,
  count: number,
  batch: number,
): LoadRequest[] {
  const normalizer = new Normalizer(metadata);
  const pixels = dataset.height * dataset.width;
  const requests: LoadRequest[] = [];
  for (let first = 0; first < count; first += batch) {
    const images = Math.min(batch, count - first);
    const tensor = new Float32Array(images * 3 * pixels);
    for (let i = 0; i < images; i++) {
      normalizer.planar(dataset.test.images, (first + i) * 3 * pixels, tensor, i * 3 * pixels, pixels);
    }
    requests.push({
      path: `/v2/models/${metadata.model}/infer`,
      headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': '0' },
      body: Buffer.from(tensor.buffer),
      images,
    });
  }
  return requests;
}
