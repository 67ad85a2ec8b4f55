import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChartSeries, type LineChart, renderLineChart } from '../../core/plot/line-chart.ts';
import { assertWellFormed } from './well-formed.ts';

function chart(series: ChartSeries[], more: Partial<LineChart> = {}): LineChart {
  return { title: 'Loss', series, xLabel: 'epoch', xIntegers: true, ...more };
}

const line = (name: string, ys: number[]): ChartSeries => ({
  name,
  points: ys.map((y, index) => ({ x: index + 1, y })),
});

/** The subpaths of the curves, as points in pixels. */
function curves(svg: string): number[][][] {
  return assertWellFormed(svg)
    .filter(({ name, attributes }) => name === 'path' && attributes['stroke-linejoin'] === 'round')
    .flatMap(({ attributes }) =>
      attributes
        .d!.slice(1)
        .split('M')
        .map((part) => part.split('L').map((point) => point.split(' ').map(Number))),
    );
}

const circles = (svg: string) => assertWellFormed(svg).filter(({ name }) => name === 'circle');

test('values stand where the axes say', () => {
  const [points] = curves(renderLineChart(chart([line('test', [0, 5, 10])])));
  const [[x1, y1], [x2, y2], [x3, y3]] = points as [number[], number[], number[]];
  assert.ok(x1! < x2! && Math.abs(x2! - (x1! + x3!) / 2) < 0.02, 'x is linear');
  assert.ok(y1! > y2! && Math.abs(y2! - (y1! + y3!) / 2) < 0.02, 'y is linear and rises upwards');
});

test('a logarithmic axis sets equal ratios equally far apart and leaves out what is not positive', () => {
  const svg = renderLineChart(chart([line('test', [0.1, 1, 10, 0, -1])], { yScale: 'log', yMin: 0 }));
  const [points] = curves(svg);
  const ys = points!.map(([, y]) => y!);
  assert.equal(ys.length, 3);
  assert.ok(Math.abs(ys[0]! - 2 * ys[1]! + ys[2]!) < 0.03);
});

test('yMin moves the axis down only', () => {
  const bottom = (yMin: number) =>
    /text-anchor="end">([^<]+)</.exec(renderLineChart(chart([line('a', [50, 60])], { yMin })))![1];
  assert.equal(bottom(0), '0');
  assert.equal(bottom(55), '50');
});

test('names are escaped, and what XML cannot hold is replaced', () => {
  const name = '</text><script>"&\' \u0000\u001b\ud800 \u{1f600}';
  for (const inline of [false, true]) {
    const svg = renderLineChart(chart([line(name, [1, 2])], { title: name, xLabel: '<b>' }), { inline });
    assert.ok(assertWellFormed(svg).every((element) => element.name !== 'script' && element.name !== 'b'));
    assert.ok(svg.includes('&lt;script&gt;') && svg.includes('\u{1f600}'));
    for (const bad of ['\u0000', '\u001b', '\ud800 ']) assert.ok(!svg.includes(bad));
  }
});

test('a long name is cut in the legend and whole in its title', () => {
  const name = `begin-${'x'.repeat(300)}-end`;
  const svg = renderLineChart(chart([line(name, [1, 2]), line('b', [1, 2])]));
  assert.match(svg, />begin-x+…x+-end<title>/);
  assert.ok(svg.includes(`<title>${name}</title>`));
});

test('a chart without values says so and has finite coordinates', () => {
  for (const series of [[], [line('a', [])], [line('a', [Number.NaN, Number.POSITIVE_INFINITY, 1e300])]]) {
    for (const yScale of ['linear', 'log'] as const) {
      const svg = renderLineChart(chart(series, { yScale, yMin: 0 }));
      assertWellFormed(svg);
      assert.ok(svg.includes('no values yet'));
      assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    }
  }
});

test('a single value is a dot with its own tick', () => {
  const svg = renderLineChart(chart([line('a', [3.2])]));
  assert.equal(curves(svg).length, 0);
  assert.equal(circles(svg).length, 1);
  assert.equal(svg.match(/text-anchor="middle">1</g)?.length, 1);
  assert.doesNotMatch(svg, /NaN/);
});

test('a value that is not finite leaves a gap', () => {
  const svg = renderLineChart(chart([line('a', [4, 3, Number.NaN, 2, Number.NaN, 1, 1])]));
  assert.deepEqual(
    curves(svg).map((points) => points.length),
    [2, 2],
  );
  assert.equal(circles(svg).length, 2, 'the lone point and the end');
});

test('colours repeat with another dash pattern', () => {
  const svg = renderLineChart(chart(Array.from({ length: 7 }, (_, index) => line(`${index}`, [1, index]))));
  const drawn = assertWellFormed(svg).filter(({ attributes }) => attributes['stroke-linejoin'] === 'round');
  assert.deepEqual(
    drawn.map(({ attributes }) => attributes['stroke-dasharray'] !== undefined),
    [false, false, false, false, false, false, true],
  );
});

test('a file has its namespace and both colour schemes, a fixed theme none', () => {
  const svg = renderLineChart(chart([line('a', [1, 2])]));
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(svg, /prefers-color-scheme:dark/);
  const dark = renderLineChart(chart([line('a', [1, 2])]), { theme: 'dark' });
  assert.doesNotMatch(dark, /<style>/);
  assert.match(dark, /class="plot-ground"[^>]*fill="#15181d"/);
});

test('in a page values are shown on hovering, and nothing names a place elsewhere', () => {
  const svg = renderLineChart(chart([line('a', [1, 2.5])]), { inline: true });
  assert.match(svg, /<title>a\nepoch 2: 2.5<\/title>/);
  assert.doesNotMatch(svg, /http/);
});

test('a screen reader gets the course of each line', () => {
  const [svg] = assertWellFormed(renderLineChart(chart([line('test', [4.123, Number.NaN, 1])])));
  assert.equal(svg!.attributes.role, 'img');
  assert.equal(svg!.attributes['aria-label'], 'Loss: test from 4.12 to 1');
});

test('a very long series is drawn', () => {
  const ys = Array.from({ length: 200_000 }, (_, index) => index);
  assert.equal(curves(renderLineChart(chart([line('a', ys)])))[0]!.length, 200_000);
});

test('a title that is too wide goes on in the next line, and what is below makes room', () => {
  const title = 'Loss, nats: test (solid) and training (dashed)';
  const draw = (width: number) => renderLineChart({ ...chart([line('a', [1, 2])]), title, width });
  const titles = (svg: string) =>
    [...svg.matchAll(/<text class="plot-text"[^>]*y="([\d.]+)"[^>]*font-size="16"[^>]*>([^<]*)</g)].map(
      ([, y, text]) => [Number(y), text] as const,
    );
  assert.deepEqual(
    titles(draw(720)).map(([, text]) => text),
    [title],
  );
  const narrow = titles(draw(340));
  assert.ok(narrow.length > 1);
  assert.equal(narrow.map(([, text]) => text).join(' '), title);
  const legend = Number(/<path class="plot-s0"[^>]*d="M[\d.]+ ([\d.]+)h/.exec(draw(340))![1]);
  assert.ok(legend > narrow.at(-1)![0]);
});
