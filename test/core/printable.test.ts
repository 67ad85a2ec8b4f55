import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanLines, cleanText, plainMarkdown, printable, printableJson } from '../../core/cli/printable.ts';
import { oneLine } from '../../core/errors.ts';
import { escapeXml } from '../../core/plot/xml.ts';
import { type CardExtras, modelCard } from '../../export/card/model-card.ts';
import { describeExport } from '../../export/describe.ts';
import type { ExportResult } from '../../export/output/output-paths.ts';
import { writeTarget } from '../../export/targets/write-target.ts';
import { startServer, startupText } from '../../serve/server.ts';
import { command } from '../commands/command.ts';
import { tinyNet } from '../foreign/tiny-net.ts';

/** Clears a screen, sets a title, turns the direction, begins a line, and again with one character (C1). */
const HOSTILE = 'x\u001b[2J\u001b]0;own\u0007\u202etxt.exe\u2066\r\nmodel    forged\u009b31m\u2028\u0085';
const DANGER = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
/** Of a text of several lines. */
const DANGER_IN_LINES = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const folder = mkdtempSync(join(tmpdir(), 'printable-'));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('text of others', () => {
  it('is without what a terminal obeys and what turns its direction', () => {
    for (const clean of [printable, cleanText, oneLine, plainMarkdown])
      assert.doesNotMatch(clean(HOSTILE), DANGER);
    assert.doesNotMatch(cleanLines(HOSTILE), DANGER_IN_LINES);
    assert.equal(cleanLines('a\nb\u001b'), 'a\nb\uFFFD');
    assert.doesNotMatch(escapeXml(HOSTILE).replace(/[\r\n]/g, ''), DANGER);
    assert.equal(cleanText('crème brûlée 👩\u200d🔬 模型 گل'), 'crème brûlée 👩\u200d🔬 模型 گل');
  });

  it('as JSON for the terminal is the same value', () => {
    const text = printableJson({ [HOSTILE]: [HOSTILE] });
    assert.doesNotMatch(text, DANGER);
    assert.deepEqual(JSON.parse(text), { [HOSTILE]: [HOSTILE] });
  });

  it('has no meaning as Markdown or HTML', () => {
    assert.equal(plainMarkdown('<img src=x>[a](b)|`c`*'), '\\<img src=x\\>\\[a\\](b)\\|\\`c\\`\\*');
  });
});

const json = { mean: 0.5, std: 0.5, labels: [HOSTILE, 'b', 'c'], name: HOSTILE, dataset: HOSTILE };

describe('a model with hostile names', () => {
  const path = join(folder, 'm.onnx');
  writeFileSync(path, tinyNet({ props: { author: HOSTILE, [HOSTILE]: 'x' } }));
  writeFileSync(join(folder, 'm.json'), JSON.stringify(json));

  it('is served under names that are shown as they are', async () => {
    const server = await startServer({
      model: path,
      port: 0,
      inference: { workers: 1, threads: 1 },
      demoDirectory: false,
    });
    try {
      const text = startupText(server);
      assert.doesNotMatch(text, DANGER_IN_LINES);
      assert.equal(text.trimEnd().split('\n').length, 2);
      const model = (await (await fetch(`${server.url}/model`)).json()) as {
        labels: string[];
        dataset: string;
      };
      for (const name of [...model.labels, model.dataset]) assert.doesNotMatch(name, DANGER);
    } finally {
      await server.close();
    }
  });

  it('becomes a folder for other servers without any of them', async () => {
    for (const target of ['triton', 'kserve'] as const) {
      for (const file of await writeTarget(target, { model: path, out: join(folder, target) })) {
        if (file.endsWith('.onnx')) continue;
        const text = readFileSync(file, 'utf8');
        assert.doesNotMatch(text, DANGER_IN_LINES, file);
        if (file.endsWith('labels.txt')) assert.equal(text.trimEnd().split('\n').length, 3);
      }
      for (const name of readdirSync(join(folder, target), { recursive: true })) {
        assert.doesNotMatch(String(name), DANGER);
      }
    }
  });

  it('is inspected, and refused, in lines of our own', () => {
    const run = (name: string, ...args: string[]) =>
      spawnSync(process.execPath, command(name, ...args), { encoding: 'utf8' });
    const { status, stdout, stderr } = run('inspect', path, '--runs', '1');
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stdout, DANGER_IN_LINES);
    assert.ok(stdout.includes('forged'));
    writeFileSync(join(folder, 'bad.json'), JSON.stringify({ ...json, [HOSTILE]: 1 }));
    const refused = run('serve', '--model', path, '--preprocessing', join(folder, 'bad.json'), '--port', '0');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^error: .*has a key "x.*forged/);
    assert.doesNotMatch(refused.stderr, DANGER_IN_LINES);
    assert.equal(refused.stderr.trimEnd().split('\n').length, 1);
  });

  it('has a card that says what it is, and no more', () => {
    const evil = `${HOSTILE}<script>\`\`|[a](javascript:b)`;
    const result = {
      path: 'm.onnx',
      files: ['m.onnx'],
      ...{ bytes: 1, opset: 15, irVersion: 8, maxDifference: 0, parameters: 1, macs: 1 },
      metadata: {
        ...{
          model: evil,
          dataset: evil,
          labels: ['a'],
          mean: [0, 0, 0],
          std: [1, 1, 1],
          inputLayout: 'NCHW',
        },
        ...{ colorSpace: 'RGB', inputHeight: 8, inputWidth: 8, trainingConfig: { [evil]: evil } },
      },
      agreement: { on: 'random images', images: 1, top1Agreeing: 1 },
    } as unknown as ExportResult;
    const extras: CardExtras = { sha256: 'x', external: false, trainedHere: false };
    const card = modelCard(result, extras);
    assert.doesNotMatch(card, DANGER_IN_LINES);
    const [, heading] = /^# (.*)$/m.exec(card)!;
    assert.match(heading!, /\\<script\\>\\`\\`\\\|\\\[a\\\]/);
    // In the table of the recipe it stands as code, whose fence is longer than what is in it.
    assert.match(card, /``` ".*``.*" ```/);
    assert.doesNotMatch(describeExport(result), DANGER_IN_LINES);
    for (const name of ['__proto__', 'constructor']) {
      const odd = { ...result, metadata: { ...result.metadata, dataset: name } };
      assert.match(modelCard(odd, extras), new RegExp(`^${name} Normalised`, 'm'));
    }
  });
});

it('folders of images with hostile names are classes with others', {
  skip: process.platform === 'win32' ? 'not on Windows, which has no such names' : false,
}, async () => {
  const { readFolder } = await import('../../core/data/folder/read-folder.ts');
  const images = join(folder, 'images');
  for (const split of ['train', 'test']) {
    for (const name of ['a\u001b[2J\u202e', 'b']) {
      mkdirSync(join(images, split, name), { recursive: true });
      execFileSync('cp', [
        fileURLToPath(new URL('../fixtures/foreign/picture.png', import.meta.url)),
        join(images, split, name),
      ]);
    }
  }
  const { labels } = await readFolder(images, { layout: { train: 'train', test: 'test' } });
  assert.deepEqual(labels, ['a\uFFFD[2J\uFFFD', 'b']);
});
