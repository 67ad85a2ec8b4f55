/**
 * The server as Triton's own client sees it. Needs Python with tritonclient[http]: ONNX_PYTHON names the
 * interpreter, else python3.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../../serve/server.ts';
import { HALVES, tinyNet } from '../foreign/tiny-net.ts';
import { temporaryFolder } from './support/test-model.ts';

const SCRIPT = fileURLToPath(new URL('triton-client.py', import.meta.url));
const PYTHON = process.env.ONNX_PYTHON ?? 'python3';
const isThere = spawnSync(PYTHON, ['-c', 'import tritonclient.http']).status === 0;
const missing = `${PYTHON} has no tritonclient[http]; ONNX_PYTHON names another interpreter`;
if (!isThere && process.env.CI === 'true') throw new Error(missing);

const LOGITS = [
  [2, -2, -2],
  [-2, -2, 2],
];
const RED = Math.exp(2) / (Math.exp(2) + 2 * Math.exp(-2));

test("every call of Triton's client that makes sense here works", { skip: !isThere && missing }, async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'net.onnx'), tinyNet());
  await writeFile(
    join(folder, 'net.json'),
    JSON.stringify({ ...HALVES, labels: ['red', 'green', 'blue: "é"'] }),
  );
  await writeFile(join(folder, 'half.onnx'), 'half a mod');
  const server = await startServer({
    folder,
    port: 0,
    inference: { workers: 1, threads: 1 },
    demoDirectory: false,
  });
  try {
    const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, server.url.replace('http://', '')]);
    const answers = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([answers.live, answers.ready, answers.server], [true, true, 'onnx-classifier']);
    assert.deepEqual(answers.models, [true, true, false, false]);
    assert.equal((answers.metadata as { inputs: { name: string }[] }).inputs[0]!.name, 'input');
    assert.deepEqual((answers.config as { input: { dims: number[] }[] }).input[0]!.dims, [3, 8, 8]);
    assert.deepEqual(
      (answers.index as { name: string; state: string }[]).map(({ name, state }) => [name, state]),
      [
        ['half', 'UNAVAILABLE'],
        ['net', 'READY'],
      ],
    );
    for (const binary of ['True', 'False']) {
      const [logits, probabilities, id] = answers[`all ${binary}`] as [number[][], number[][], string];
      assert.deepEqual([logits, id], [LOGITS, '7']);
      assert.ok(Math.abs(probabilities[0]![0]! - RED) < 1e-6 && Math.abs(probabilities[1]![2]! - RED) < 1e-6);
      const [classes, named] = answers[`named ${binary}`] as [string[], number[][]];
      assert.deepEqual(named, LOGITS);
      assert.deepEqual(
        [classes.length, classes[0], classes[2]],
        [4, `${RED.toFixed(6)}:0:red`, `${RED.toFixed(6)}:2:blue: "é"`],
      );
    }
    assert.deepEqual(answers.async, LOGITS);
    assert.match(
      String(answers['shared output']),
      /output "logits": there is no shared memory here, such as "region"/,
    );
    assert.match(
      String(answers['shared input']),
      /input "input": there is no shared memory here, such as "region"/,
    );
    assert.match(String(answers.unusable), /"half" cannot be used: half.onnx is not an ONNX model/);
    assert.match(String(answers.unknown), /there is no model "none" here/);
    assert.deepEqual(answers.statistics, [10, 10, 10]);
  } finally {
    await server.close();
  }
});
