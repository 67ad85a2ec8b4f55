import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { canDrawText, renderLineChartPng } from '../../core/plot/png.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

test('a PNG of twice the size, light, with the line in its colour', async (t) => {
  if (!(await canDrawText()))
    return t.skip('there is no font to draw with; install one, e.g. fonts-dejavu-core');
  const points = [0, 1, 2].map((x) => ({ x, y: 1 }));
  const png = await renderLineChartPng({
    title: 'Flat',
    series: [{ name: 'a', points }],
    width: 300,
    height: 200,
  });
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [600, 400]);
  const has = (r: number, g: number, b: number) =>
    Array.from({ length: data.length / 3 }, (_, pixel) => pixel * 3).some(
      (at) => Math.abs(data[at]! - r) + Math.abs(data[at + 1]! - g) + Math.abs(data[at + 2]! - b) < 12,
    );
  assert.ok(has(255, 255, 255), 'ground');
  assert.ok(has(0, 0x72, 0xb2), 'line');
});

test('without fonts there is no PNG', async () => {
  const config = join(await temporaryFolder(), 'fonts.conf');
  await writeFile(config, '<?xml version="1.0"?><fontconfig></fontconfig>');
  const script = `
    import { renderLineChartPng } from './core/plot/png.ts';
    console.log(await renderLineChartPng({ title: 'a', series: [] }));
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, FONTCONFIG_FILE: config },
      encoding: 'utf8',
    },
  );
  // Systems whose text is not drawn through fontconfig find their fonts all the same.
  if (process.platform === 'linux') assert.equal(stdout, 'undefined\n', stderr);
  else assert.ok(stdout !== '', stderr);
});
