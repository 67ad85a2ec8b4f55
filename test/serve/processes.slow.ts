import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { command } from '../commands/command.ts';
import { noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

/** Only a request that nobody will ever answer waits as long. */
const NEVER_MS = 60_000;

let folder: string;
let model: string;
let png: Uint8Array;
const started: ChildProcess[] = [];

before(async () => {
  folder = await temporaryFolder();
  ({ path: model } = await writeTestModel(folder));
  png = await noisePng(1);
});

after(() => {
  // Where a test failed.
  for (const child of started) child.kill('SIGTERM');
});

/** `npm run serve -- --processes 2`, as a user starts it. */
class Servers {
  readonly #child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;

  constructor(
    path: string,
    port = 0,
    option: '--model' | '--models' = '--model',
    more: readonly string[] = [],
  ) {
    const args = ['--processes', '2', '--port', String(port), option, path, '--threads', '1', ...more];
    this.#child = spawn(process.execPath, command('serve', ...args, '--reload-seconds', '0'));
    started.push(this.#child);
    this.#child.stdout!.on('data', (data) => {
      this.stdout += data;
    });
    this.#child.stderr!.on('data', (data) => {
      this.stderr += data;
    });
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** Waits until it wrote something. */
  async wrote(stream: 'stdout' | 'stderr', text: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = text.exec(this[stream]);
      if (found) return found;
      const end = await Promise.race([this.ended.then(() => true), this.#more(stream)]);
      if (end) throw new Error(`it ended: ${this.stderr}`);
    }
  }

  #more(stream: 'stdout' | 'stderr'): Promise<undefined> {
    return new Promise((resolve) => this.#child[stream]!.once('data', () => resolve(undefined)));
  }

  async serving(): Promise<{ url: string; pids: number[] }> {
    const [, url, pids] = await this.wrote('stdout', /serving {2}(http:\S+) .*, 2 processes: (.*)\n/);
    return { url: url!, pids: pids!.split(', ').map(Number) };
  }

  /** Ends a process, and waits for the one that takes its place. */
  async replace(pid: number): Promise<number> {
    const from = this.stderr.length;
    process.kill(pid, 'SIGKILL');
    const found = await this.wrote(
      'stderr',
      new RegExp(
        // Whatever else is written meanwhile.
        `^[^]{${from},}?server process ${pid} ended by SIGKILL; it is replaced\n[^]*?(\\d+) serves in`,
      ),
    );
    return Number(found[1]);
  }

  stop(): void {
    this.#child.kill('SIGTERM');
  }
}

const fresh = new Agent({ keepAlive: false });

/** @returns the status; rejects if the connection is cut */
function post(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'image/png', 'content-length': png.length };
    const signal = AbortSignal.timeout(NEVER_MS);
    const req = request(`${url}/predict`, { method: 'POST', headers, agent, signal }, (res) => {
      res.resume();
      res.on('end', () => resolve(res.statusCode!));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(png);
  });
}

async function counted(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
  const [, count] =
    /http_request_duration_seconds_count\{method="POST",route="\/predict",status="200"\} (\d+)/.exec(text) ??
    [];
  // Each of them has one model, and it is ready.
  assert.deepEqual(/^model_ready\{.*$/m.exec(text)?.[0].split(' ')[1], '1');
  return Number(count);
}

const wasCut = (error: unknown): boolean =>
  /ECONNRESET|EPIPE|socket hang up/.test(`${(error as NodeJS.ErrnoException).code} ${error}`);

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('several processes answer; one that is killed is replaced, and nobody waits for it; a stop finishes', async () => {
  const servers = new Servers(model);
  const { url, pids } = await servers.serving();
  assert.equal(pids.filter(runs).length, 2);
  // The C library gives back what it need not keep.
  if (process.platform === 'linux') {
    for (const pid of pids)
      assert.match(await readFile(`/proc/${pid}/environ`, 'utf8'), /\0MALLOC_TRIM_THRESHOLD_=/);
  }

  for (let i = 0; i < 20; i++) assert.equal(await post(url, fresh), 200);
  // Connections go to one and the other by turns, so that none counted 20.
  assert.equal(await counted(url), 20);

  // A connection offered to a process that cannot take it any more.
  process.kill(pids[0]!, 'SIGSTOP');
  const results = Promise.allSettled(Array.from({ length: 6 }, () => post(url, fresh)));
  assert.equal(await post(url, fresh), 200);
  const third = await servers.replace(pids[0]!);
  // The other answers it.
  for (const result of await results) {
    assert.equal(result.status === 'fulfilled' ? result.value : result.reason, 200);
  }
  assert.ok((await counted(url)) >= 26, 'what the dead process counted is lost');

  // Clients that go on all the while, on connections that are kept and on new ones.
  let going = true;
  let failures = 0;
  const client = async (agent: Agent): Promise<number> => {
    let answers = 0;
    while (going) {
      // A core is left for the process that starts.
      await setTimeout(20);
      try {
        assert.equal(await post(url, agent), 200);
        answers++;
      } catch (error) {
        if (!wasCut(error)) throw error;
        failures++;
        assert.equal(await post(url, fresh), 200, 'a second attempt fails too');
      }
    }
    return answers;
  };
  const agents = [fresh, fresh, new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  const clients = Promise.all(agents.map(client));
  const fourth = await servers.replace(pids[1]!).finally(() => {
    going = false;
  });
  for (const answers of await clients) assert.ok(answers > 0);
  assert.ok(failures <= agents.length, `${failures} requests failed`);
  for (const agent of agents) agent.destroy();

  // A request under way in each of the two.
  const slow = [0, 1].map(() => {
    const headers = { 'content-type': 'image/png', 'content-length': png.length };
    const req = request(`${url}/predict`, { method: 'POST', headers, agent: fresh });
    const status = new Promise<number>((resolve, reject) => {
      req.on('response', (res) => resolve(res.resume().statusCode!));
      req.on('error', reject);
    });
    req.write(png.subarray(0, 100));
    return { req, status };
  });
  // Two exchanges on other connections, one with each: by then both have seen the first part.
  for (let i = 0; i < 2; i++) assert.equal(await post(url, fresh), 200);
  servers.stop();
  await servers.wrote('stdout', /stopping: finishing the requests under way\n$/);
  for (const { req } of slow) req.end(png.subarray(100));
  for (const { status } of slow) assert.equal(await status, 200);
  assert.equal(await servers.ended, 0, servers.stderr);
  assert.deepEqual([...pids, third, fourth].filter(runs), []);
});

test('a process that is frozen is replaced, and what it had not taken is answered; a stop does not wait', async () => {
  const servers = new Servers(model, 0, '--model', ['--silence-timeout', '2']);
  const { url, pids } = await servers.serving();
  // One connection with each of them.
  const agents = [0, 1].map(() => new Agent({ keepAlive: true }));
  for (const agent of agents) assert.equal(await post(url, agent), 200);
  process.kill(pids[0]!, 'SIGSTOP');
  const kept = await Promise.allSettled(agents.map((agent) => post(url, agent)));
  // The frozen one's is cut off, rather than wait for ever, and can be sent again.
  assert.deepEqual(kept.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.ok(kept.every((it) => it.status === 'fulfilled' || wasCut(it.reason)));
  const answers = await Promise.all(Array.from({ length: 6 }, () => post(url, fresh)));
  assert.deepEqual(answers, Array(6).fill(200));
  const [, third] = await servers.wrote(
    'stderr',
    new RegExp(
      `server process ${pids[0]} gives no sign of life\nserver process ${pids[0]} ended by SIGKILL; it is ` +
        'replaced\nserver process (\\d+) serves in its place\n',
    ),
  );
  for (const agent of agents) agent.destroy();
  process.kill(pids[1]!, 'SIGSTOP');
  const offered = Promise.all(Array.from({ length: 6 }, () => post(url, fresh)));
  assert.deepEqual(await offered, Array(6).fill(200));
  process.kill(Number(third), 'SIGSTOP');
  const begin = performance.now();
  servers.stop();
  assert.equal(await servers.ended, 0, servers.stderr);
  assert.ok(performance.now() - begin < 20_000, 'it waited for the frozen one');
  assert.deepEqual([...pids, Number(third)].filter(runs), []);
});

test('a process that cannot start ends the whole with one line', async (t) => {
  const bad = join(folder, 'bad.onnx');
  await writeFile(bad, 'no model');
  const servers = new Servers(bad);
  assert.equal(await servers.ended, 1);
  assert.equal(servers.stdout, '');
  assert.match(servers.stderr, /^error: [^\n]*bad\.onnx is not an ONNX model[^\n]*\n$/);

  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const onUsedPort = new Servers(model, port);
  assert.equal(await onUsedPort.ended, 1);
  assert.match(onUsedPort.stderr, /^error: port \d+ on 127\.0\.0\.1 is in use; [^\n]*\n$/);
});

test('while another serves, a replacement that cannot is tried again; when none serves, all ends', async () => {
  const path = join(folder, 'spoilt.onnx');
  await copyFile(model, path);
  const servers = new Servers(path);
  const { url, pids } = await servers.serving();
  await writeFile(path, 'no model');
  process.kill(pids[0]!, 'SIGKILL');
  await servers.wrote('stderr', /server process \d+ cannot serve: .*is not an ONNX model/);
  for (let i = 0; i < 4; i++) assert.equal(await post(url, fresh), 200);
  process.kill(pids[1]!, 'SIGKILL');
  assert.equal(await servers.ended, 1);
  assert.match(servers.stderr, /\nerror: [^\n]*is not an ONNX model[^\n]*\n$/);
});

test('an unusable file in a folder stops no process, not one that takes the place of another either', async () => {
  const folder = await temporaryFolder();
  await copyFile(model, join(folder, 'good.onnx'));
  await writeFile(join(folder, 'half.onnx'), 'half a mod');
  const servers = new Servers(folder, 0, '--models');
  const { url, pids } = await servers.serving();
  assert.match(servers.stdout, /^unusable half@1: half.onnx is not an ONNX model/m);
  await servers.replace(pids[0]!);
  for (let i = 0; i < 4; i++) assert.equal(await post(url, fresh), 200);
  const text = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
  assert.match(text, /^model_ready\{model="half",version="1"\} 0$/m);
  assert.match(text, /^model_ready\{model="good",version="1"\} 1$/m);
  servers.stop();
  assert.equal(await servers.ended, 0);
  await rm(join(folder, 'good.onnx'));
  const none = new Servers(folder, 0, '--models');
  assert.equal(await none.ended, 1);
  assert.match(none.stderr, /^error: .*half.onnx is not an ONNX model/m);
});
