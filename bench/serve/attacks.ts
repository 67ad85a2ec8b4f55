import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { stuffedPng, webpOfFrames } from './hostile-requests.ts';
import { pngChunk } from './png-file.ts';

/** What an attack has to do with. */
export interface Target {
  url: string;
  /** The server processes that run now. */
  pids(): number[];
  /** How long a process may give no sign of life. */
  silenceSeconds: number;
  /** The folder that is served. */
  models: string;
  /** A model file with its metadata, and the same without. */
  whole: Uint8Array;
  bare: Uint8Array;
  /** Its classes. */
  labels: readonly string[];
  /** Forms of huge pictures, see {@link hugeForms}. */
  forms: readonly Buffer[];
  /** Where attackers come from: another address of this machine, if it has one. */
  localAddress: string | undefined;
}

export interface Attack {
  name: string;
  /** Goes on until the signal, then leaves nothing behind. @returns what it has to say of the server */
  play(target: Target, signal: AbortSignal): Promise<string>;
}

/** In an order in which what one leaves in memory shows in the next; a process that is replaced has nothing. */
export const ATTACKS: readonly Attack[] = [
  { name: 'bodies that do not come', play: silentBodies },
  { name: 'compressed bodies', play: compressedBodies },
  { name: 'bodies in tiny pieces, very many requests a connection', play: tinyPieces },
  { name: 'huge pictures, clients that leave', play: hugePictures },
  { name: 'endless chunks, deep JSON', play: endlessParts },
  { name: 'downloads that are not read, models replaced', play: unreadDownloads },
  { name: 'a JSON file changed alone', play: changedJson },
  { name: 'a broken model file, a process killed', play: brokenFile },
  { name: 'a process frozen', play: frozenProcess },
];

/** What a process, or a model, may take to start on a machine where others want all of its cores. */
const START_SECONDS = 60;

/** Keeps so many connections that each write `bytes` once, and are opened again as they close. */
async function keepOpen(
  { url, localAddress }: Target,
  count: number,
  bytes: (i: number) => Uint8Array,
  signal: AbortSignal,
  onOpen: (socket: Socket) => void = () => {},
): Promise<number> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  let opened = 0;
  const one = (i: number): void => {
    if (signal.aborted) return;
    opened++;
    const socket = connect({ host: hostname, port: Number(port), ...(localAddress && { localAddress }) });
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      open.delete(socket);
      setTimeout(() => one(i), 50);
    });
    socket.on('data', () => {});
    onOpen(socket);
    socket.write(bytes(i));
  };
  for (let i = 0; i < count; i++) one(i);
  await aborted(signal);
  for (const socket of open) socket.destroy();
  return opened;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const head = (path: string, ...lines: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');

async function silentBodies(target: Target, signal: AbortSignal): Promise<string> {
  const texts = ['/predict', '/v2/models/good/infer'].flatMap((path) =>
    ['Content-Length: 10000000', 'Transfer-Encoding: chunked'].map((line) =>
      Buffer.from(head(path, 'Content-Type: image/png', line)),
    ),
  );
  const opened = await keepOpen(target, 300, (i) => texts[i % texts.length]!, signal);
  return `${opened} of them`;
}

async function tinyPieces(target: Target, signal: AbortSignal): Promise<string> {
  const text = head('/predict', 'Content-Type: image/png', 'Transfer-Encoding: chunked');
  const pieces = Buffer.concat([Buffer.from(text), Buffer.alloc(6_000_000, '1\r\nx\r\n')]);
  const requests = Buffer.from('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1500));
  // Each as soon as the one before was ended.
  const opened = await keepOpen(target, 2, (i) => (i % 2 ? requests : pieces), signal);
  return `${opened} of them`;
}

async function compressedBodies(target: Target, signal: AbortSignal): Promise<string> {
  // Thirty megabytes in so few bytes, without their end.
  const packed = deflateSync(Buffer.alloc(9_000_000)).subarray(0, -20);
  const text = head(
    '/predict',
    'Content-Type: image/png',
    'Content-Encoding: deflate',
    `Content-Length: ${packed.length + 20}`,
  );
  const opened = await keepOpen(
    target,
    300,
    () => Buffer.concat([Buffer.from(text), packed]),
    signal,
    (socket) => socket.once('data', () => setTimeout(() => socket.destroy(), 5000).unref()),
  );
  return `${opened} of them`;
}

/** Requests with ten pictures of 49 megapixels each, in a few kilobytes: as PNG and as AVIF. */
export async function hugeForms(): Promise<Buffer[]> {
  const canvas = sharp({ create: { width: 7000, height: 7000, channels: 3, background: '#102030' } });
  const png = await canvas.clone().png({ palette: true }).toBuffer();
  const avif = await canvas.clone().avif({ effort: 0 }).toBuffer();
  return [png, avif].map((file) => {
    const part = Buffer.concat([
      Buffer.from('--b\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'),
      file,
      Buffer.from('\r\n'),
    ]);
    const form = Buffer.concat([...Array.from({ length: 10 }, () => part), Buffer.from('--b--\r\n')]);
    const type = 'Content-Type: multipart/form-data; boundary=b';
    return Buffer.concat([Buffer.from(head('/predict', type, `Content-Length: ${form.length}`)), form]);
  });
}

async function hugePictures(target: Target, signal: AbortSignal): Promise<string> {
  const opened = await keepOpen(
    target,
    20,
    (i) => target.forms[i % 2]!,
    signal,
    (socket) => {
      socket.once('data', () => leave(socket));
      // Half of them leave at once, the others wait for what they asked.
      if (Math.random() < 0.5) setTimeout(() => socket.destroy(), 500).unref();
    },
  );
  return `${opened} forms of ten`;
}

/** An attacker that was answered makes room for the next. */
function leave(socket: Socket): void {
  setTimeout(() => socket.destroy(), 100).unref();
}

async function endlessParts(target: Target, signal: AbortSignal): Promise<string> {
  const picture = (body: Uint8Array): Buffer =>
    Buffer.concat([
      Buffer.from(head('/predict', 'Content-Type: image/png', `Content-Length: ${body.length}`)),
      body,
    ]);
  const json = (path: string, text: string): Buffer =>
    Buffer.from(head(path, 'Content-Type: application/json', `Content-Length: ${text.length}`) + text);
  const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
  const bodies = [
    picture(stuffedPng(pngChunk('IDAT', new Uint8Array(0)), 9.9e6)),
    picture(stuffedPng(pngChunk('tEXt', Buffer.from('a\0b')), 9.9e6)),
    picture(await webpOfFrames(4200)),
    json('/predict', `{"images":[${deep}]}`),
    json('/v2/models/good/infer', `{"inputs":[{"data":${deep}}]}`),
  ];
  // Two at a time, each as soon as the one before is answered.
  const opened = await keepOpen(
    target,
    2,
    () => bodies[Math.floor(Math.random() * bodies.length)]!,
    signal,
    (socket) => socket.once('data', () => leave(socket)),
  );
  return `${opened} of them`;
}

async function unreadDownloads(target: Target, signal: AbortSignal): Promise<string> {
  const text = Buffer.from('GET /models/large.onnx HTTP/1.1\r\nHost: x\r\n\r\n');
  const path = join(target.models, 'large.onnx');
  let replaced = 0;
  const replace = async (): Promise<void> => {
    for (; !signal.aborted; replaced++) {
      await writeAside(path, padded(target.whole, replaced));
      await sleep(4000, undefined, { signal }).catch(() => {});
    }
    await rm(path, { force: true });
  };
  const [opened] = await Promise.all([
    keepOpen(
      target,
      20,
      () => text,
      signal,
      (socket) => socket.pause(),
    ),
    replace(),
  ]);
  return `${opened} of them, ${replaced} versions`;
}

/** A model file with 12 MB more in it, which say nothing: more than a connection takes by itself. */
function padded(model: Uint8Array, version: number): Buffer {
  // `doc_string` of ONNX's ModelProto: field 6, length-delimited, its length in seven bits a byte.
  const text = Buffer.alloc(12_000_000, `${version} `);
  const length: number[] = [];
  for (let rest = text.length; ; rest >>>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([model, Buffer.from([(6 << 3) | 2, ...length]), text]);
}

async function brokenFile(target: Target, signal: AbortSignal): Promise<string> {
  const path = join(target.models, 'broken.onnx');
  await writeAside(path, target.whole.subarray(0, target.whole.length / 2));
  const says = await replaced(target, target.pids()[0], 'SIGKILL', signal);
  await rm(path, { force: true });
  return says;
}

/** Sends a process a signal and waits for the one in its place: to the end of the turn, and longer if that may be. */
async function replaced(
  target: Target,
  victim: number | undefined,
  by: 'SIGKILL' | 'SIGSTOP',
  signal: AbortSignal,
): Promise<string> {
  if (victim === undefined) return 'there was NO process to end';
  const processes = target.pids().length;
  const begin = performance.now();
  const passed = (): number => (performance.now() - begin) / 1000;
  const most = START_SECONDS + (by === 'SIGSTOP' ? target.silenceSeconds : 0);
  process.kill(victim, by);
  let seconds = Number.NaN;
  while (!signal.aborted || (Number.isNaN(seconds) && passed() < most)) {
    await sleep(200);
    const pids = target.pids();
    if (Number.isNaN(seconds) && !pids.includes(victim) && pids.length === processes) seconds = passed();
  }
  return Number.isNaN(seconds)
    ? `the process was NOT replaced in ${most} s`
    : `replaced after ${seconds.toFixed(1)} s`;
}

async function changedJson(target: Target, signal: AbortSignal): Promise<string> {
  const [model, json] = ['foreign.onnx', 'foreign.json'].map((name) => join(target.models, name));
  const describe = (prefix: string): string =>
    JSON.stringify({
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      labels: target.labels.map((it) => prefix + it),
    });
  // The file that says how to prepare images comes later, and then changes alone.
  await writeAside(model!, target.bare);
  await sleep(3000);
  let changes = 0;
  let slowest = 0;
  while (!signal.aborted) {
    const prefix = `${changes} `;
    await writeAside(json!, describe(prefix));
    const begin = performance.now();
    const passed = (): number => (performance.now() - begin) / 1000;
    let isDone = false;
    // To the end of the turn; the first one for longer, if that may be.
    while (!isDone && (!signal.aborted || (changes === 0 && passed() < START_SECONDS))) {
      await sleep(200);
      const answer = await fetch(`${target.url}/models/foreign`).catch(() => undefined);
      const { labels } = ((await answer?.json().catch(() => ({}))) ?? {}) as { labels?: string[] };
      isDone = labels?.[0]?.startsWith(prefix) ?? false;
    }
    if (!isDone) break;
    slowest = Math.max(slowest, passed());
    changes++;
  }
  await Promise.all([rm(model!, { force: true }), rm(json!, { force: true })]);
  return changes === 0
    ? `NO change took effect in ${START_SECONDS} s`
    : `${changes} took effect, the slowest after ${slowest.toFixed(1)} s`;
}

function frozenProcess(target: Target, signal: AbortSignal): Promise<string> {
  return replaced(target, target.pids().at(-1), 'SIGSTOP', signal);
}

async function writeAside(path: string, bytes: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
}

/** What the server keeps in memory, processes together, in bytes; NaN where the system does not say. */
export async function residentBytes(pids: readonly number[]): Promise<number> {
  let sum = 0;
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN);
    // One that has just ended keeps nothing.
    if (!Number.isNaN(kilobytes)) sum += kilobytes * 1024;
  }
  return sum === 0 ? Number.NaN : sum;
}
