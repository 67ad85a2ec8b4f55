/** The Python that is given away with a model against the server's own way. ONNX_PYTHON names a Python with Pillow. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import sharp from 'sharp';
import { decodeImageFile } from '../../core/image/decode.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import { pillowLines } from '../../export/pillow.ts';
import { picture } from '../data/image-folder.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const PYTHON = process.env.ONNX_PYTHON ?? 'python3';
const missing = `${PYTHON} has no Pillow; ONNX_PYTHON names another interpreter`;
const SIZE = { width: 12, height: 8 };

it('docs/deploy.md prepares pictures by the same lines', async () => {
  const document = await readFile(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
  const lines = pillowLines('PIL.Image.open("picture.png")', { width: 'width', height: 'height' });
  assert.ok(document.includes(lines.join('\n')), lines.join('\n'));
});

it('prepares transparent, turned, wide, tall and grey pictures as the server does', async (t) => {
  if (spawnSync(PYTHON, ['-c', 'import PIL']).status !== 0) {
    assert.ok(process.env.CI !== 'true', missing);
    t.skip(missing);
    return;
  }
  const alpha = await picture(1, 60, 20).extractChannel(0).raw().toBuffer();
  const transparent = picture(2, 60, 20).joinChannel(alpha, { raw: { width: 60, height: 20, channels: 1 } });
  const files = {
    'transparent.png': await transparent.png().toBuffer(),
    'palette.png': await sharp(await transparent.png().toBuffer())
      .png({ palette: true })
      .toBuffer(),
    'turned.jpg': await picture(3, 40, 25).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer(),
    'tall.png': await picture(4, 9, 50).png().toBuffer(),
    'grey.png': await picture(5, 31, 32).toColourspace('b-w').png().toBuffer(),
    'small.png': await picture(6, 5, 3).png().toBuffer(),
  };
  const folder = join(await temporaryFolder(), 'pictures');
  await mkdir(folder);
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  const program = [
    'import sys, PIL.Image, PIL.ImageOps',
    'for path in sys.argv[1:]:',
    ...pillowLines('PIL.Image.open(path)', SIZE).map((line) => `    ${line}`),
    '    print(image.tobytes().hex())',
  ].join('\n');
  const paths = Object.keys(files).map((name) => join(folder, name));
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', program, ...paths], { encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, paths.length, stderr);
  for (const [i, [name, bytes]] of Object.entries(files).entries()) {
    const theirs = Buffer.from(lines[i]!, 'hex');
    const { data: ours } = prepareImage(await decodeImageFile(bytes), SIZE);
    const worst = Math.max(...theirs.map((value, at) => Math.abs(value - ours[at]!)));
    // JPEG decoders may differ by a step or two.
    assert.ok(theirs.length === ours.length && worst <= 2, `${name}: ${worst}`);
  }
});
