import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
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

  it('is an image of its own size', async () => {
    const { width, height } = await sharp(Buffer.from(svg)).metadata();
    assert.match(svg, new RegExp(`^<svg [^>]*width="${width}" height="${height}"`));
  });
});
