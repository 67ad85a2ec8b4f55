import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import type { LoadRequest } from './load.ts';
import { pngFile } from './png-file.ts';

/** A small PNG and a photo. */
export async function goodPictures(): Promise<{ pixels: Uint8Array; png: Buffer; photo: Buffer }> {
  const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 7919) % 251);
  const png = await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
    .png()
    .toBuffer();
  const photo = await sharp({ create: { width: 600, height: 400, channels: 3, background: '#40a0c0' } })
    .jpeg()
    .toBuffer();
  return { pixels, png, photo };
}

/** Requests of every kind that a server on an open port gets: half of them good, the rest broken or hostile. */
export async function hostileRequests(): Promise<LoadRequest[]> {
  const { png, photo } = await goodPictures();
  const raw = (body: Uint8Array, type = 'image/png', extra: Record<string, string> = {}): LoadRequest => ({
    path: '/predict',
    headers: { 'content-type': type, ...extra },
    body,
    images: 1,
  });
  const json = (value: unknown, path = '/predict'): LoadRequest => ({
    ...raw(Buffer.from(JSON.stringify(value)), 'application/json'),
    path,
  });
  const bomb = decompressionBomb();
  const good = [
    raw(png),
    raw(photo, 'image/jpeg'),
    json({ images: [png.toString('base64'), png.toString('base64')] }),
    raw(png, 'application/octet-stream'),
  ];
  const bad = [
    raw(png.subarray(0, png.length - 40)),
    raw(bomb),
    raw(Buffer.from('no image at all')),
    raw(Buffer.from('text'), 'text/plain'),
    raw(gzipSync(Buffer.alloc(50_000_000)), 'image/png', { 'content-encoding': 'gzip' }),
    json({ image: 'a*b' }),
    json(
      { inputs: [{ name: 'input', shape: [1, 3, 4, 4], datatype: 'FP32', data: [] }] },
      '/v2/models/none/infer',
    ),
    raw(
      Buffer.from('--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\nabc'),
      'multipart/form-data; boundary=b',
    ),
  ];
  return [...good, ...good, ...bad];
}

/** A PNG with as many of a chunk before its pixels as fit into `size` bytes. */
export function stuffedPng(chunk: Buffer, size: number): Buffer {
  const whole = pngFile(32, 32, deflateSync(Buffer.alloc(32 * 97)));
  const length = Math.floor(size / chunk.length) * chunk.length;
  return Buffer.concat([whole.subarray(0, 33), Buffer.alloc(length, chunk), whole.subarray(33)]);
}

/** An animation of so many frames of one pixel; the server takes 4096 parts of a picture. */
export async function webpOfFrames(count: number): Promise<Buffer> {
  const raw = { width: 1, height: 2, channels: 3, pageHeight: 1 } as const;
  const webp = await sharp(Buffer.from([1, 2, 3, 4, 5, 6]), { raw })
    .webp({ lossless: true, loop: 0 })
    .toBuffer();
  const at = webp.lastIndexOf('ANMF');
  const frame = webp.subarray(at);
  const frames = Buffer.alloc(count * frame.length, frame);
  const whole = Buffer.concat([webp.subarray(0, at), frames]);
  whole.writeUInt32LE(whole.length - 8, 4);
  return whole;
}

/** A PNG of a few kilobytes that says it is 20,000 pixels wide and high. */
export function decompressionBomb(): Buffer {
  return pngFile(20_000, 20_000, deflateSync(Buffer.alloc(20_000_000)));
}

/** Sends half of a request and hangs up. */
export async function cutConnection(url: string, { path, headers, body }: LoadRequest): Promise<void> {
  const { port, hostname } = new URL(url);
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n`,
      );
      socket.write(body.subarray(0, body.length / 2), () => socket.destroy());
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}
