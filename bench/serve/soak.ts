/**
 * Plays everything that docs/serving.md says a server withstands against a running one, beside clients that mean
 * well, and says what these noticed; or sends it very many requests and watches its memory.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../core/errors.ts';
import { embeddedModelPath, embeddedModels } from '../../core/models/embedded.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { loadServedModel } from '../../serve/model-file.ts';
import { ATTACKS, hugeForms, residentBytes, type Target } from './attacks.ts';
import { type ServerProcess, startServerProcess } from './child.ts';
import { addUp, answersFrom, GoodClients, latency, type Noticed } from './good-clients.ts';
import { cutConnection, hostileRequests } from './hostile-requests.ts';
import { type MemorySample, memorySlope } from './memory-slope.ts';
import { readMetrics } from './read-metrics.ts';
import { sendMixed } from './send-mixed.ts';

const ROUND = 1000;
const GOOD_CLIENTS = 4;
const PROCESSES = 2;
const SILENCE_SECONDS = 5;
/** What is promised: a 99th percentile of so many times the quiet one, and so much more memory so long after. */
const SLOWER = 3;
const MORE_BYTES = 300e6;
const SETTLE_SECONDS = 30;

export async function soakAttacked(minutes: number): Promise<void> {
  const [name] = await embeddedModels();
  if (name === undefined) throw new UserError('models/ holds no model to serve');
  const whole = await readFile(embeddedModelPath(name));
  const { metadata } = await loadServedModel(embeddedModelPath(name));
  const forms = await hugeForms();
  const models = await mkdtemp(join(tmpdir(), 'soak-'));
  await writeFile(join(models, 'good.onnx'), whole);
  const server = await startServer([
    ...['--models', models, '--reload-seconds', '1', '--processes', String(PROCESSES)],
    ...['--silence-timeout', String(SILENCE_SECONDS), '--workers', '1', '--threads', '1'],
  ]);
  const seen = new Set<number>();
  const target: Target = {
    url: server.url,
    models,
    forms,
    whole,
    silenceSeconds: SILENCE_SECONDS,
    bare: encodeModel(decodeModel(whole, name).graph),
    labels: metadata.labels,
    localAddress: secondAddress(),
    pids: () => {
      const pids = serving(server.output());
      for (const pid of pids) seen.add(pid);
      return pids;
    },
  };
  let good: GoodClients | undefined;
  try {
    while (target.pids().length < PROCESSES) await sleep(100);
    good = await GoodClients.start(server.url, 'good', GOOD_CLIENTS);
    // The first requests start threads.
    await sleep(5000);
    good.take();
    const seconds = minutes * 60;
    const quiet = await watch(good, target, Math.max(10, seconds * 0.1), 'quiet');
    // What changes files needs a few looks at them.
    const turn = Math.max(10, (seconds * 0.8) / ATTACKS.length);
    const turns: Turn[] = [];
    for (const { name: attack, play } of ATTACKS) {
      const end = AbortSignal.timeout(Math.round(turn * 1000));
      const [watched, says] = await Promise.all([watch(good, target, turn, attack), play(target, end)]);
      const settled = await settle(target, quiet.resident + MORE_BYTES);
      // That was not the turn's, nor is it the next one's.
      good.take();
      turns.push({ ...watched, ...settled, says });
    }
    const rest = await watch(good, target, Math.max(10, seconds * 0.1), 'quiet again');
    await good.stop();
    report([quiet, ...turns, rest]);
  } finally {
    await good?.stop();
    // A frozen one would stay.
    target.pids();
    await server.stop();
    for (const pid of seen) end(pid);
    await rm(models, { recursive: true, force: true });
  }
}

/**
 * What was under way comes to an end: at least 5 seconds, and no longer than is promised.
 * @param bytes what memory is to come down to
 * @returns what it came down to, and after how many seconds
 */
async function settle(target: Target, bytes: number): Promise<Pick<Turn, 'resident' | 'seconds'>> {
  const begin = performance.now();
  for (;;) {
    await sleep(500);
    const resident = await residentBytes(target.pids());
    const seconds = (performance.now() - begin) / 1000;
    if (seconds >= SETTLE_SECONDS || (seconds >= 5 && resident <= bytes)) return { resident, seconds };
  }
}

interface Turn {
  name: string;
  noticed: Noticed;
  /** Of the server processes together: some seconds after the turn, and the most in it, in bytes. */
  resident: number;
  seconds?: number;
  peak: number;
  says?: string;
}

/** What good clients notice in a while, and what the server keeps in memory. */
async function watch(good: GoodClients, target: Target, seconds: number, name: string): Promise<Turn> {
  const until = performance.now() + seconds * 1000;
  let peak = 0;
  let resident = Number.NaN;
  while (performance.now() < until) {
    await sleep(Math.min(500, until - performance.now()));
    resident = await residentBytes(target.pids());
    peak = Math.max(peak, resident);
  }
  const turn = { name, noticed: good.take(), resident, peak };
  process.stderr.write(`${row(turn)}\n`);
  return turn;
}

const HEAD =
  '| played | requests | 5xx | 4xx | cut off | p50 ms | p99 ms | memory after, MB | at most | |\n' +
  '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |';

function row({ name, noticed, resident, seconds, peak, says = '' }: Turn): string {
  const numbers = [
    noticed.requests,
    answersFrom(noticed, 500, 600),
    answersFrom(noticed, 400, 500),
    answersFrom(noticed, 0, 1),
    latency(noticed, 0.5).toFixed(1),
    latency(noticed, 0.99).toFixed(1),
    megabytes(resident) + (seconds === undefined ? '' : ` (${seconds.toFixed(0)} s)`),
    megabytes(peak),
  ];
  return `| ${[name, ...numbers, says].join(' | ')} |`;
}

/** Prints the table and whether it is as promised. @throws UserError if it is not */
function report(turns: readonly Turn[]): void {
  const [quiet] = turns;
  const played = turns.slice(1, -1);
  const attacked = addUp(played.map(({ noticed }) => noticed));
  const refused = answersFrom(attacked, 500, 600);
  const ratio = latency(attacked, 0.99) / latency(quiet!.noticed, 0.99);
  const more = Math.max(...turns.map(({ resident }) => resident)) - quiet!.resident;
  process.stdout.write(
    `${[HEAD, ...turns.map(row)].join('\n')}\n\n` +
      `${attacked.requests} requests of good clients beside the attacks: ${refused} answered 5xx, ` +
      `${answersFrom(attacked, 400, 500)} 4xx, ${answersFrom(attacked, 0, 1)} cut off and sent again; ` +
      `p99 ${ratio.toFixed(2)} times the quiet one; at most ${megabytes(more)} MB more memory after a turn\n`,
  );
  const broken = [
    ...(refused > 0 ? [`${refused} good requests were answered 5xx`] : []),
    ...(answersFrom(attacked, 400, 500) > 0 ? ['good requests were refused'] : []),
    ...(ratio > SLOWER ? [`p99 is ${ratio.toFixed(2)} times the quiet one`] : []),
    ...(more > MORE_BYTES ? [`memory grew by ${megabytes(more)} MB`] : []),
    ...played.flatMap(({ name, says }) => (/NOT?\b/.test(says ?? '') ? [`${name}: ${says}`] : [])),
  ];
  if (broken.length > 0) throw new UserError(`not as promised: ${broken.join('; ')}`);
}

/** The processes that serve, from what the server wrote. */
function serving(output: string): number[] {
  const pids = new Set<number>();
  for (const line of output.split('\n')) {
    for (const pid of /processes: (.*)$/.exec(line)?.[1]?.split(', ') ?? []) pids.add(Number(pid));
    const [, ended] = /^server process (\d+) ended/.exec(line) ?? [];
    if (ended !== undefined) pids.delete(Number(ended));
    const [, started] = /^server process (\d+) serves in/.exec(line) ?? [];
    if (started !== undefined) pids.add(Number(started));
  }
  return [...pids];
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Attackers come from elsewhere, where the system has all of 127.0.0.0/8 as Linux does. */
function secondAddress(): string | undefined {
  const loopback = Object.values(networkInterfaces()).flat();
  return process.platform === 'linux' && loopback.some((it) => it?.cidr === '127.0.0.1/8')
    ? '127.0.0.2'
    : undefined;
}

export async function soakMixed(total: number): Promise<void> {
  const server = await startServer([]);
  try {
    const requests = await hostileRequests();
    const samples: MemorySample[] = [];
    let cut = 0;
    for (let sent = 0; sent < total; sent += ROUND) {
      await sendMixed(server.url, requests, ROUND, 16);
      for (let i = 0; i < 10; i++, cut++) await cutConnection(server.url, requests[i % requests.length]!);
      samples.push({ requests: sent + ROUND, ...(await readMemory(server.url)) });
      const { rss, heap } = samples.at(-1)!;
      process.stderr.write(
        `${sent + ROUND} requests: rss ${megabytes(rss)} MB, heap ${megabytes(heap)} MB\n`,
      );
    }
    const { rssPerRequest, heapPerRequest } = memorySlope(samples);
    process.stdout.write(
      `${total} requests and ${cut} cut connections: ${rssPerRequest.toFixed(0)} bytes of resident memory and ` +
        `${heapPerRequest.toFixed(0)} bytes of heap a request over the second half\n`,
    );
  } finally {
    await server.stop();
  }
}

function startServer(args: readonly string[]): Promise<ServerProcess> {
  return startServerProcess(process.execPath, [
    ...['--import', 'tsx', fileURLToPath(new URL('../../serve/serve.cli.ts', import.meta.url))],
    ...['--port', '0', '--log-level', 'error', ...args],
  ]);
}

async function readMemory(url: string): Promise<{ rss: number; heap: number }> {
  const read = await readMetrics(url);
  return { rss: read('process_resident_memory_bytes'), heap: read('nodejs_heap_size_used_bytes') };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
