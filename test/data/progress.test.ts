import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { formatDuration, ProgressBar } from '../../core/cli/progress.ts';

/** A stream that keeps what is written, and looks like a terminal or not. */
function stream(isTTY: boolean, columns = 80): { out: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { out: Object.assign(out, { isTTY, columns }) as unknown as NodeJS.WriteStream, text: () => text };
}

test('on a terminal one line is redrawn, not at every update, and ended by finish', () => {
  const { out, text } = stream(true, 120);
  const bar = new ProgressBar({ label: 'epoch 1', total: 1000, unit: 'images', stream: out });
  for (let done = 0; done <= 1000; done++) bar.update(done, `loss ${done}`);
  bar.finish();
  bar.finish();
  bar.update(5);
  const lines = text().split('\r').slice(1);
  assert.ok(lines.length < 100, `${lines.length} redraws`);
  assert.match(lines[0]!, /^epoch 1 {2}\[ +\] +0% {2}0\/1000 images/);
  assert.match(lines.at(-1)!, /\[=+\] 100% {2}1000\/1000 images .* images\/s {2}in .*loss 1000/);
  assert.equal(text().split('\n').length, 2);
});

test('at 80 columns the bar gives way, and the note at the end stays', () => {
  for (const [columns, head] of [
    [80, /^epoch 100\/200 {2}\[[= ]{4,23}\] +10% {2}5000\/50000 img /],
    [64, /^epoch 100\/200 {2} 10% /],
    [50, /^epoch 100\/200 {2} 10% /],
  ] as const) {
    const { out, text } = stream(true, columns);
    const bar = new ProgressBar({ label: 'epoch 100/200', total: 50_000, unit: 'img', stream: out });
    bar.update(0);
    bar.finish('');
    const again = new ProgressBar({ label: 'epoch 100/200', total: 50_000, unit: 'img', stream: out });
    again.update(4900, 'loss 4.716');
    again.update(5000);
    again.finish('loss 4.716');
    const line = text().split('\r').at(-1)!.split('\u001b')[0]!;
    assert.match(line, head);
    assert.match(line, / {2}loss 4\.716$/);
    assert.ok(line.length < columns, line);
  }
});

test('at 80 columns the loss stays to be seen while there are hours to go', async () => {
  for (const [columns, line] of [
    [80, /^epoch 100\/200 {2}(\[[= ]+\] )?.*% .*ETA \d+h \d\dm {2}loss 4\.716$/],
    [40, /^epoch 100\/200 {2} .*% {2}.*loss 4\.716$/],
    [30, /^epoch 100\/200 .*loss 4/],
  ] as const) {
    const { out, text } = stream(true, columns);
    const bar = new ProgressBar({ label: 'epoch 100/200', total: 12_811_670, unit: 'img', stream: out });
    bar.update(1_000_000, 'loss 4.720');
    await new Promise((resolve) => setTimeout(resolve, 110));
    bar.update(1_000_128, 'loss 4.716');
    const drawn = text().split('\r').at(-1)!.split('\u001b')[0]!;
    assert.match(drawn, line);
    assert.ok(drawn.length < columns, drawn);
  }
});

test('a line never wraps on a narrow terminal', () => {
  const { out, text } = stream(true, 30);
  const bar = new ProgressBar({ label: 'a label that is long already', total: 10, stream: out });
  bar.update(5, 'and a long note');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that clears the rest of the line
  assert.equal(text().replace(/\r|\x1b\[K/g, '').length, 29);
});

test('elsewhere there is one plain line at the end of short work', () => {
  const { out, text } = stream(false);
  const bar = new ProgressBar({ label: 'download', total: 3e6, unit: 'bytes', stream: out });
  bar.update(0);
  bar.update(1.5e6);
  bar.update(3e6);
  assert.equal(text(), '');
  bar.finish('done');
  assert.match(text(), /^download {2}100% {2}3\.0\/3\.0 MB {2}[\d.]+ MB\/s {2}in [\d.]+s {2}done\n$/);
});

test('work of unknown size shows no percentage', () => {
  const { out, text } = stream(false);
  const bar = new ProgressBar({ label: 'x', total: 0, stream: out });
  bar.update(7);
  bar.finish();
  assert.match(text(), /^x {2}7 {2}in /);
});

test('durations are for people', () => {
  const cases: [number, string][] = [
    [0.44, '0.4s'],
    [9.96, '10s'],
    [59.7, '1m 00s'],
    [185, '3m 05s'],
    [3599.7, '1h 00m'],
    [7620, '2h 07m'],
    [86_399, '1d 00h'],
    [4.125 * 86_400, '4d 03h'],
    [Number.POSITIVE_INFINITY, '?'],
  ];
  for (const [seconds, text] of cases) assert.equal(formatDuration(seconds), text);
});
