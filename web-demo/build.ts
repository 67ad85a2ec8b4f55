import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
import { UserError } from '../core/errors.ts';
import { DEMO_POLICY } from '../serve/http/demo-policy.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = fileURLToPath(new URL('page/', import.meta.url));

/** Where {@link buildDemo} puts the page; any static server can serve it as it is. */
export const DEMO_DIST: string = fileURLToPath(new URL('dist/', import.meta.url));

/** Beside the page: which sources it was built from, so that an unchanged page is not built again. */
const STAMP = '.sources.json';

/** Files the page is also made of, although no module of it imports them. */
const ALWAYS_INPUTS = [
  'package.json',
  'package-lock.json',
  'serve/http/demo-policy.ts',
  'web-demo/build.ts',
  'web-demo/page/icon.svg',
  'web-demo/page/index.html',
  ...['base', 'classify', 'controls', 'dialogs', 'index', 'layout', 'runs', 'teach', 'test-set', 'theme'].map(
    (name) => `web-demo/page/styles/${name}.css`,
  ),
];

interface BuildStamp {
  /** Paths relative to the project, `/`-separated. */
  inputs: string[];
  hash: string;
  /** The best quality of brotli that was allowed. */
  quality: number;
}

/** Of brotli, the best for all files but onnxruntime's; lower for tests, which need not wait a quarter of a minute. */
const QUALITY = Number(process.env.PAGE_BROTLI_QUALITY ?? zlib.BROTLI_MAX_QUALITY);

/**
 * Builds the page into {@link DEMO_DIST} with Vite, unless what is there was built from the same sources.
 * @param options.force build even so
 * @returns whether it was built now
 */
export async function buildDemo(options: { force?: boolean } = {}): Promise<boolean> {
  // Of an installed package the page is built, and its sources are not there.
  if (!existsSync(PAGE)) return false;
  if (options.force !== true && (await isFresh())) return false;
  // Built beside and swapped in, so that a server never serves half a page and two builds do not mix.
  const work = `${DEMO_DIST.replace(/[\\/]$/, '')}-${process.pid}.tmp`;
  try {
    const inputs = await buildPage(work);
    const stamp: BuildStamp = { inputs, hash: await hashFiles(inputs), quality: QUALITY };
    await compressFiles(work);
    await writeFile(path.join(work, STAMP), `${JSON.stringify(stamp, null, 2)}\n`);
    await swapIn(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return true;
}

/**
 * Builds the page with Vite into a folder, without compressed forms.
 * @param edit changes a source's text before it is built
 * @returns the project's files that went into it
 */
export async function buildPage(
  outDir: string,
  edit: (text: string) => string = (text) => text,
): Promise<string[]> {
  // Only loaded when needed: importing Vite takes longer than checking that nothing changed.
  const { build } = await import('vite').catch(() => {
    throw new UserError('the page is built with vite, which is not installed; run npm ci');
  });
  await mkdir(outDir, { recursive: true });
  const seen = new Set<string>();
  // Notes every module that is read, in the page and in its worker.
  const recorder = {
    name: 'record-sources',
    load(id: string): null {
      seen.add(id.split('?')[0]!);
      return null;
    },
    transform: (code: string, id: string): string | null =>
      id.startsWith(PROJECT) && !id.includes('node_modules') ? edit(code) : null,
  };
  // Advice on the speed of the build is for Vite's developers; what is imported lazily for one worker may be at once
  // for another.
  const checks = { pluginTimings: false, ineffectiveDynamicImport: false };
  const policy = {
    name: 'content-security-policy',
    transformIndexHtml: (html: string): string => edit(html.replace('%CSP%', DEMO_POLICY)),
  };
  await build({
    configFile: false,
    root: PAGE,
    // Relative addresses: the page may be served below a path.
    base: './',
    logLevel: 'warn',
    plugins: [recorder, policy],
    resolve: {
      // onnxruntime-web without the wasm loader inside: the loader starts itself again as a thread, which
      // only works from a file of its own.
      conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'production'],
    },
    // A compressed download does not say how long it is, but the page's progress wants to know.
    define: { WASM_BYTES: JSON.stringify(await wasmBytes()) },
    worker: { format: 'es', plugins: () => [recorder], rollupOptions: { checks } },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      // The preload polyfill is for browsers older than the ones the page needs.
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1000,
      rollupOptions: {
        checks,
        input: { index: path.join(PAGE, 'index.html'), sw: path.join(PAGE, 'service-worker/sw.ts') },
        output: {
          // A service worker's address must stay, and it only rules over the folder it lies in.
          entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
        },
      },
    },
  });
  await writeFile(path.join(outDir, 'assets.json'), JSON.stringify(await smallAssets(outDir)));
  const own = [...seen]
    .map((file) => path.relative(PROJECT, file))
    .filter((file) => file !== '' && !file.startsWith('..') && !path.isAbsolute(file))
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => !file.includes('\0') && !file.startsWith('node_modules/'));
  return [...new Set([...own, ...ALWAYS_INPUTS])].sort();
}

/** All built files but WebAssembly: what the service worker keeps whether it was needed yet or not. */
async function smallAssets(dist: string): Promise<string[]> {
  const names = await readdir(path.join(dist, 'assets'));
  return names
    .filter((name) => !name.endsWith('.wasm'))
    .sort()
    .map((name) => `assets/${name}`);
}

const ONNXRUNTIME = path.join(PROJECT, 'node_modules/onnxruntime-web/dist');

/** The sizes of onnxruntime's WebAssembly by backend. */
async function wasmBytes(): Promise<Record<'wasm' | 'webgpu', number>> {
  const size = async (name: string): Promise<number> => (await stat(path.join(ONNXRUNTIME, name))).size;
  return {
    wasm: await size('ort-wasm-simd-threaded.wasm'),
    webgpu: await size('ort-wasm-simd-threaded.asyncify.wasm'),
  };
}

/** Compressed files by the hash of what they hold: new versions of onnxruntime are rare, and it takes a while. */
const CACHE = path.join(PROJECT, 'node_modules/.cache/onnx-classifier-page');
/** Pictures and the like would not get smaller. */
const COMPRESSIBLE = /\.(html|js|mjs|css|svg|json|wasm)$/;

/**
 * Puts compressed forms beside the files of a page, for servers that send them as they are. Browsers take brotli over
 * https and from this machine only; over plain http gzip is what there is.
 */
async function compressFiles(dist: string): Promise<void> {
  const names = await readdir(dist, { recursive: true });
  await Promise.all(
    names.filter((name) => COMPRESSIBLE.test(name)).map((name) => compressFile(path.join(dist, name))),
  );
}

async function compressFile(file: string): Promise<void> {
  const bytes = await readFile(file);
  // The best there is would take twice as long for what everybody loads, for 4 % less; of the one with WebGPU, twice as
  // large, also the second best takes half a minute.
  const best = file.endsWith('.wasm') ? (file.includes('asyncify') ? 5 : 10) : 11;
  const quality = Math.min(best, QUALITY);
  const params = {
    [zlib.BROTLI_PARAM_QUALITY]: quality,
    [zlib.BROTLI_PARAM_LGWIN]: zlib.BROTLI_MAX_WINDOW_BITS,
    [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const key = createHash('sha256').update(JSON.stringify(params)).update(bytes).digest('hex');
  for (const [ending, compress] of [
    ['br', () => promisify(brotliCompress)(bytes, { params })],
    ['gz', () => promisify(gzip)(bytes, { level: 9 })],
  ] as const) {
    const kept = path.join(CACHE, `${key}.${ending}`);
    const target = `${file}.${ending}`;
    if (
      await copyFile(kept, target).then(
        () => true,
        () => false,
      )
    )
      continue;
    await writeFile(target, await compress());
    if (!file.endsWith('.wasm')) continue;
    // Kept if it can be: a folder that cannot be written costs the next build some time.
    await mkdir(CACHE, { recursive: true })
      .then(() => copyFile(target, `${kept}.${process.pid}`))
      .then(() => rename(`${kept}.${process.pid}`, kept))
      .catch(() => undefined);
  }
}

async function isFresh(): Promise<boolean> {
  try {
    const stamp = JSON.parse(await readFile(path.join(DEMO_DIST, STAMP), 'utf8')) as BuildStamp;
    return stamp.quality >= QUALITY && stamp.hash === (await hashFiles(stamp.inputs));
  } catch {
    // No build yet, or a source it was made from is gone.
    return false;
  }
}

/** Contents rather than times: a checkout can give a changed file an old time. */
async function hashFiles(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = await readFile(path.join(PROJECT, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** Puts `work` in the place of the page; if another process builds too, the last one wins. */
async function swapIn(work: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      // What the other puts there meanwhile makes this fail too.
      await rm(DEMO_DIST, { recursive: true, force: true });
      await rename(work, DEMO_DIST);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (attempt === 5 || (code !== 'ENOTEMPTY' && code !== 'EEXIST')) throw error;
    }
  }
}
