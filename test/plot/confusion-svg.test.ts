import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import { classGroups, confusionSvg, scaleColor, scalePosition } from '../../core/plot/confusion-svg.ts';
import { tiny, tinyMatrix } from './tiny-confusion.ts';

describe('the picture of a confusion matrix', () => {
  const svg = confusionSvg(tinyMatrix(), tiny, { heading: 'h', detail: 'd' });

  it('groups classes by superclass', () => {
    assert.deepEqual(classGroups(tiny), [
      { name: 'second', classes: [1] },
      { name: 'first', classes: [0, 2] },
    ]);
    const names = [...svg.matchAll(/>(a 1|b&lt;&amp;|c)<\/text>/g)].map((match) => match[1]);
    assert.deepEqual(names.slice(0, 3), ['b&lt;&amp;', 'a 1', 'c']);
  });

  it('has a cell where there is a count, coloured by its share of the row', () => {
    const titles = [...svg.matchAll(/fill="(#\w+)"><title>([^<]*)<\/title>/g)].map(([, color, what]) => [
      what,
      color,
    ]);
    assert.deepEqual(titles, [
      ['b&lt;&amp; recognised: 1 of 1', scaleColor(1)],
      ['a 1 recognised: 3 of 4', scaleColor(scalePosition(3 / 4))],
      ['a 1 taken for c: 1 of 4', scaleColor(scalePosition(1 / 4))],
      ['c taken for b&lt;&amp;: 1 of 1', scaleColor(1)],
    ]);
  });

  it('gets darker with the share, from white', () => {
    assert.equal(scaleColor(scalePosition(0)), '#ffffff');
    const lightness = Array.from({ length: 21 }, (_, i) => {
      const value = Number.parseInt(scaleColor(i / 20).slice(1), 16);
      return 0.3 * (value >> 16) + 0.6 * ((value >> 8) & 255) + 0.1 * (value & 255);
    });
    for (let i = 1; i < lightness.length; i++) assert.ok(lightness[i]! < lightness[i - 1]!);
  });

  it('writes counts where there is room, and is as wide as its titles', async () => {
    assert.deepEqual(
      [...svg.matchAll(/text-anchor="middle" pointer-events="none"[^>]*>(\d+)</g)].map(([, count]) => count),
      ['1', '3', '1', '1'],
    );
    const detail = '10000 test images: top-1 68.42 %, top-5 91.53 %, superclass 79.20 %, and some more of it';
    const wide = confusionSvg(tinyMatrix(), tiny, { heading: 'a model on a dataset', detail });
    const width = Number(/width="(\d+)"/.exec(wide)![1]);
    const small = Number(/width="(\d+)"/.exec(svg)![1]);
    assert.ok(width > small && width >= detail.length * 6, `${width}`);
    // What is written ends before the border, and what is right of the matrix too.
    const { data, info } = await sharp(Buffer.from(wide))
      .flatten({ background: '#fff' })
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const margin = Array.from({ length: info.height }, (_, y) =>
      data.subarray((y + 1) * info.width - 12, (y + 1) * info.width),
    );
    assert.ok(margin.every((row) => row.every((value) => value > 250)));
    const labels = Array.from({ length: 60 }, (_, i) => `c${i}`);
    const many = confusionSvg(new ConfusionMatrix(60), { labels }, { heading: 'h', detail: 'd' });
    assert.ok(!many.includes('pointer-events'));
  });

  it('is an image of its own size', async () => {
    const { width, height } = await sharp(Buffer.from(svg)).metadata();
    assert.match(svg, new RegExp(`^<svg [^>]*width="${width}" height="${height}"`));
  });
});
