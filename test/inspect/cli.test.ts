import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { command } from '../commands/command.ts';
import { FIXTURES } from '../foreign/support.ts';

const MODEL = join(FIXTURES, 'dynamo.onnx');

function run(...args: string[]) {
  return spawnSync(process.execPath, command('inspect', ...args), { encoding: 'utf8' });
}

it('inspect prints JSON only with --json', () => {
  const { status, stdout, stderr } = run(MODEL, '--json', '--batch', '2', '--runs', '1');
  assert.deepEqual([status, stderr], [0, '']);
  const report = JSON.parse(stdout);
  assert.deepEqual(report.triedInputs[0].dims, [2, 3, 32, 32]);
  assert.deepEqual(report.opsets, { 'ai.onnx': 18 });
});

it('inspect --html writes a page beside what it prints, and refuses where it cannot', () => {
  const folder = mkdtempSync(join(tmpdir(), 'inspect-html-'));
  try {
    const file = join(folder, 'page.html');
    const { status, stdout, stderr } = run(MODEL, '--runs', '0', '--html', file);
    assert.deepEqual([status, stderr], [0, '']);
    assert.ok(stdout.endsWith(`\nwrote ${file}\n`));
    assert.match(readFileSync(file, 'utf8'), /^<!doctype html>[\s\S]*<svg id="graph"/);
    const refused = run(MODEL, '--runs', '0', '--html', join(file, 'page.html'));
    assert.match(refused.stderr, /^error: cannot write .*page\.html: E\w+\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('onnxruntime reports to nobody: its telemetry leaves no log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-'));
  try {
    // Where CI is set, onnxruntime itself keeps silent.
    const { CI: _, ORT_DISABLE_TELEMETRY: __, ...env } = process.env;
    const { status } = spawnSync(process.execPath, command('inspect', MODEL, '--runs', '1'), {
      env: { ...env, TMPDIR: folder },
    });
    assert.equal(status, 0);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('mat-debug')),
      [],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const [args, message] of [
  [[], /give one file/],
  [['a.onnx', 'b.onnx'], /give one file/],
  [['none.onnx'], /none\.onnx cannot be read/],
  [[import.meta.filename], /is not an ONNX model/],
  [[MODEL, '--batch', '0'], /--batch must be at least 1/],
] as const) {
  it(`inspect refuses ${args.join(' ') || 'nothing'}`, () => {
    const { status, stdout, stderr } = run(...args);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, message);
    assert.match(stderr, /^error: [^\n]+\n$/);
  });
}
