import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Classifier, type Prediction } from '../../index.ts';
import { command } from '../commands/command.ts';
import { picture, writeTree } from '../data/image-folder.ts';
import { RED, redNet } from '../foreign/red-net.ts';
import { temporaryFolder } from '../serve/support/test-model.ts';

const NAMES = ['red, "light"', 'green', 'blue'];

describe('npm run predict', () => {
  let folder: string;
  let http: Server;
  let url: string;
  /** By file: the classes, best first. */
  const expected = new Map<string, Prediction[]>();
  before(async () => {
    folder = await temporaryFolder();
    const colors = { red: [220, 30, 30], green: [30, 220, 30], blue: [30, 30, 220] };
    await writeTree(folder, {
      'net.onnx': redNet(),
      'net.json': JSON.stringify({ ...RED, labels: NAMES }),
      'german.json': JSON.stringify({ ...RED, labels: ['rot', 'grün', 'blau'] }),
      'photos/b.png': picture(1, 30, 30, colors.red).png(),
      'photos/inner/a.jpg': picture(2, 60, 40, colors.green).jpeg(),
      'photos/a.webp': picture(3, 30, 30, colors.blue).webp(),
      'photos/notes.txt': 'no picture',
      'photos/.hidden/c.png': picture(4, 30, 30).png(),
      'broken/one.png': 'no picture',
      'empty/notes.txt': 'no picture',
      'empty/IMG_1.HIF': 'no picture',
    });
    for (let i = 0; i < 25; i++) {
      const color = Object.values(colors)[i % 3]!;
      await writeTree(folder, {
        [`many/${String(i).padStart(2, '0')}.png`]: picture(i, 20, 20, color).png(),
      });
    }
    const classifier = await Classifier.open(join(folder, 'net.onnx'), { workers: 1, threads: 1 });
    for (const file of ['photos/a.webp', 'photos/b.png', 'photos/inner/a.jpg']) {
      expected.set(file, await classifier.classify(join(folder, file)));
    }
    await classifier.close();
    http = createServer(async (request, response) => {
      if (request.url !== '/red.png?size=1') return void response.writeHead(404).end();
      response.end(await picture(1, 30, 30, colors.red).png().toBuffer());
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  after(() => http.close());

  const predict = (...args: string[]) => run(folder, args);
  const text = (file: string, name = file): string =>
    `${name}  ${expected
      .get(file)!
      .map(({ label, probability }) => `${label} ${(100 * probability).toFixed(2)} %`)
      .join(', ')}`;

  it('classifies a picture with the best classes first', async () => {
    const { code, stdout, stderr } = await predict('photos/b.png', '--model', 'net.onnx');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(stdout, `${text('photos/b.png')}\n`);
    assert.match(stdout, /^photos\/b\.png {2}red, "light" \d\d\.\d\d %, /);
  });

  it('takes files, folders with what is below them and addresses, and keeps their order', async () => {
    const { code, stdout, stderr } = await predict(
      ...['photos/b.png', 'photos', `${url}/red.png?size=1`, '--model', 'net.onnx'],
    );
    assert.equal(code, 0, stderr);
    assert.equal(stderr, 'note: photos: not read: 1 .txt\n');
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      text('photos/b.png'),
      ...['photos/a.webp', 'photos/b.png', 'photos/inner/a.jpg'].map((file) => text(file)),
      text('photos/b.png', `${url}/red.png?size=1`),
    ]);
  });

  it('names what cannot be read, goes on, and ends with 1', async () => {
    const { code, stdout, stderr } = await predict(
      ...['broken', 'missing.png', `${url}/none.png`, 'photos/b.png', '--model', 'net.onnx', '--top-k', '1'],
    );
    assert.equal(code, 1);
    assert.match(stdout, /^photos\/b\.png {2}red, "light" \d\d\.\d\d %\n$/);
    const lines = stderr.trimEnd().split('\n');
    assert.match(lines[0]!, /^left out: broken\/one\.png is no PNG/);
    assert.match(lines[1]!, /^left out: there is no file missing\.png$/);
    assert.equal(lines[2], `left out: ${url}/none.png answered 404 Not Found`);
    assert.equal(lines[3], 'error: 3 of 4 pictures could not be classified');
    assert.equal(lines.length, 4);
  });

  it('prints a JSON object a line', async () => {
    const { code, stdout } = await predict(
      ...['photos/b.png', 'missing.png', '--model', 'net.onnx', '--json', '--top-k', '2'],
    );
    assert.equal(code, 1);
    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(first, {
      image: 'photos/b.png',
      predictions: expected.get('photos/b.png')!.slice(0, 2),
    });
    assert.deepEqual(Object.keys(second), ['image', 'error']);
    assert.match(second.error, /^there is no file missing\.png$/);
  });

  it('prints a table', async () => {
    const { stdout } = await predict(
      'photos/b.png',
      'broken',
      '--model',
      'net.onnx',
      '--csv',
      '--top-k',
      '9',
    );
    const [head, row, broken] = stdout.trimEnd().split('\n');
    assert.equal(head, 'image,label,probability,label_2,probability_2,label_3,probability_3,error');
    const [best, second, third] = expected.get('photos/b.png')!;
    assert.equal(
      row,
      `photos/b.png,"red, ""light""",${best!.probability},${second!.label},${second!.probability},${third!.label},${third!.probability},`,
    );
    assert.match(broken!, /^broken\/one\.png,,,,,,,"broken\/one\.png is no PNG, .*"$/);
  });

  it('shows progress of many on stderr, their results in order', async () => {
    const { code, stdout, stderr } = await predict('many', '--model', 'net.onnx', '--top-k', '1', '--csv');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^predict {2}100% {2}25\/25 images .* in \d/);
    const labels = stdout.trimEnd().split('\n').slice(1);
    assert.equal(labels.length, 25);
    for (const [i, line] of labels.entries()) {
      const label = ['"red, ""light"""', 'green', 'blue'][i % 3]!;
      assert.ok(line.startsWith(`many/${String(i).padStart(2, '0')}.png,${label},0.`), line);
    }
  });

  it('takes models of other programs with another preprocessing file, and the embedded model', async () => {
    const german = await predict('photos/b.png', '--model', 'net.onnx', '--preprocessing', 'german.json');
    assert.match(german.stdout, /^photos\/b\.png {2}rot /);
    const embedded = await predict('photos/b.png', '--top-k', '3');
    assert.equal(embedded.code, 0, embedded.stderr);
    assert.match(embedded.stdout, /^photos\/b\.png {2}(\w+ \d+\.\d\d %(, )?){3}\n$/);
  });

  it('refuses in one line what it cannot do', async () => {
    const refusals: [string[], RegExp][] = [
      [[], /^error: say what to classify: npm run predict -- FILE\|DIR\|URL\.\.\./],
      [['photos', '--json', '--csv'], /^error: give --json or --csv, not both$/],
      [
        ['empty'],
        /^error: empty has no pictures \(png, .*; not read: 1 \.hif, 1 \.txt; convert HEIC to JPEG/,
      ],
      [['ftp://example.com/a.png'], /^error: "ftp:\/\/example\.com\/a\.png" is no http or https address/],
      [['file:///etc/passwd'], /is no http or https address/],
      [['photos', '--top-k', '0'], /^error: --top-k must be at least 1$/],
      [['photos', '--model', 'nothing-such'], /^error: there is no file "nothing-such"/],
    ];
    const answers = await Promise.all(refusals.map(([args]) => predict(...args)));
    for (const [i, { code, stdout, stderr }] of answers.entries()) {
      assert.equal(code, 1);
      assert.equal(stdout, '');
      const lines = stderr
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('note: '));
      assert.equal(lines.length, 1, stderr);
      assert.match(lines[0]!, refusals[i]![1]);
    }
  });
});

async function run(
  cwd: string,
  args: string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, command('predict', ...args), { cwd });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}
