import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cutConnection, hostileRequests } from '../../bench/serve/hostile-requests.ts';
import type { LoadRequest } from '../../bench/serve/load.ts';
import { type MemorySample, memorySlope } from '../../bench/serve/memory-slope.ts';
import { sendMixed } from '../../bench/serve/send-mixed.ts';
import type { HeldMemory } from './support/measured-server.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const SERVER = fileURLToPath(new URL('./support/measured-server.ts', import.meta.url));
/** Bytes a request. A body that is kept is 2000 at least, a tensor 12,000. */
const HEAP_ALLOWANCE = 1000;
/** What is outside V8's sight can only be told roughly; a decoded photograph that is kept is 720,000. */
const RESIDENT_ALLOWANCE = 30_000;
/** Requests between two looks at the memory. */
const ROUND = 200;
let model: string;
let requests: LoadRequest[];

before(async () => {
  ({ path: model } = await writeTestModel(await temporaryFolder()));
  // Without the largest, which only make the test long; they are in bench/serve/soak.ts.
  const predict = (await hostileRequests()).filter(
    ({ headers }) => headers['content-encoding'] === undefined,
  );
  const data = new Array(3072).fill(0.25);
  const infer = (content: unknown[], padding = 0): LoadRequest => ({
    path: '/v2/models/resnet20/infer',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(
      ' '.repeat(padding) +
        JSON.stringify({
          inputs: [{ name: 'input', shape: [1, 3, 32, 32], datatype: 'FP32', data: content }],
        }),
    ),
    images: 1,
  });
  // Read in the main thread and, the larger ones, beside it.
  requests = [...predict, infer(data), infer(data.slice(1)), infer(data, 100_000), infer([], 100_000)];
});

/** The growth of a server's memory over some thousand requests, good, bad and cut off. */
async function measure(rounds: number, leak: number): Promise<ReturnType<typeof memorySlope>> {
  const child = fork(SERVER, [model, String(leak)], { execArgv: ['--expose-gc', '--import', 'tsx'] });
  try {
    const [url] = (await once(child, 'message')) as [string];
    const samples: MemorySample[] = [];
    for (let sent = 0; samples.length < rounds; ) {
      await sendMixed(url, requests, ROUND, 8);
      for (const request of requests) await cutConnection(url, request);
      sent += ROUND + requests.length;
      child.send('measure');
      const [{ rss, heap }] = (await once(child, 'message')) as [HeldMemory];
      samples.push({ requests: sent, rss, heap });
    }
    assert.equal((await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).status, 200);
    return memorySlope(samples);
  } finally {
    child.disconnect();
    await once(child, 'exit');
  }
}

test('memory stays flat over thousands of requests, good, bad and cut off', async () => {
  const { heapPerRequest, rssPerRequest } = await measure(12, 0);
  assert.ok(heapPerRequest < HEAP_ALLOWANCE, `${heapPerRequest} bytes of heap a request`);
  assert.ok(rssPerRequest < RESIDENT_ALLOWANCE, `${rssPerRequest} bytes of resident memory a request`);
});

test('a server that keeps a body of each request is found out', async () => {
  // As many as above: of fewer, one that is off decides.
  const { heapPerRequest } = await measure(12, 2000);
  assert.ok(heapPerRequest > HEAP_ALLOWANCE, `${heapPerRequest} bytes of heap a request`);
});
