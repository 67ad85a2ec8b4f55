import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { runMain } from '../core/cli/main.ts';
import { UserError } from '../core/errors.ts';
import { embeddedModelPath } from '../core/models/embedded.ts';
import { startDemo } from '../web-demo/start.ts';
import { findChromium } from './find-chromium.ts';

/*
 * The pictures of the README, taken of the page in a browser: `npm run screenshots`. What they show is in the project:
 * an embedded model, a picture of the page's own, and the log of the training that made a model.
 */

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const IMAGES = join(PROJECT, 'docs/images');
/** A model that comes with its run's config and log. */
const MODEL = 'efficientnet-lite0-cifar100';
const SIZE = { width: 1180, height: 800 };
const PATIENCE_MS = 400_000;
/** All pictures together; a clone of the project should not be made of them. */
const MOST_BYTES = 600_000;

await runMain(async () => {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new UserError('there is no Chromium; install it or set CHROMIUM_PATH');
  }
  const folder = await mkdtemp(join(tmpdir(), 'screenshots-'));
  const runs = join(folder, 'runs');
  await mkdir(join(runs, MODEL), { recursive: true });
  for (const name of ['config.json', 'log.jsonl']) {
    await writeFile(join(runs, MODEL, name), await readFile(join(PROJECT, 'models', `${MODEL}.${name}`)));
  }
  const demo = await startDemo({ model: embeddedModelPath(MODEL), port: 0, host: '127.0.0.1', runs });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light', reducedMotion: 'reduce' });
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(demo.url);
    await page.waitForSelector('#predictions li');
    await page.click('#explain');
    await page.waitForSelector('#heat:not([hidden])');
    // Down to where it tells how long that took, here and today.
    let bytes = await take(page, 'page', 645);
    await page.click('#views a[href="#runs"]');
    await page.waitForSelector('#runs:not([hidden]) svg');
    bytes += await take(page, 'curves', 700);
    if (bytes > MOST_BYTES) throw new UserError(`the pictures have ${bytes} bytes, more than ${MOST_BYTES}`);
  } finally {
    await browser.close();
    await demo.close();
    await rm(folder, { recursive: true, force: true });
  }
});

/** @returns the picture's size in bytes */
async function take(page: Page, name: string, height: number): Promise<number> {
  // What comes with a transition has arrived.
  await page.waitForTimeout(1500);
  const shot = await page.screenshot({ clip: { x: 0, y: 0, width: SIZE.width, height } });
  const { data } = await sharp(shot).webp({ quality: 82, effort: 6 }).toBuffer({ resolveWithObject: true });
  await mkdir(IMAGES, { recursive: true });
  await writeFile(join(IMAGES, `${name}.webp`), data);
  process.stdout.write(`docs/images/${name}.webp  ${data.length} bytes\n`);
  return data.length;
}
