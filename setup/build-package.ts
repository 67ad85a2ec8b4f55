import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildPage } from '../web-demo/build.ts';
import { runProgram } from './programs.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** The launcher is JavaScript, and no part of a bundle. */
const { asPackage, bundle, sources } = (await import(
  pathToFileURL(join(PROJECT, 'onnx-classifier.js')).href
)) as {
  asPackage(text: string): string;
  bundle(folder: string, sources: readonly string[], options: { portable: boolean }): Promise<unknown>;
  sources(options: { portable: boolean }): string[];
};

/** What an installed package has beside its code, where the sources look for it. */
const DATA = ['models', 'core/data/imagenet/labels.txt'];

/** Parts of index.ts under names of their own, for who reads an import: `onnx-classifier/serve`. */
const FACES = {
  train: {
    values: [
      'addOperator',
      'adaptModel',
      'convertWeights',
      'exportModel',
      'loadDataset',
      'quantize',
      'train',
    ],
    types: ['ExportedModel', 'ImageDataset', 'TrainedRun', 'TrainOptions'],
  },
  serve: {
    values: ['Classifier', 'evaluate', 'startServer'],
    types: ['ClassifyOptions', 'Evaluation', 'Prediction', 'Server', 'ServerOptions'],
  },
};

/** Packages that a user of ours may not have: what they would say of types is then `any`, and no error. */
const OPTIONAL = /^.*'(?:@tensorflow\/tfjs-node-gpu|onnxruntime-web)[^\n]*$/gm;
export interface PackageOptions {
  /** False: without the page, which takes longest. */
  page?: boolean;
  /** False: without types, which are computed anew each time. */
  types?: boolean;
}

/**
 * Builds what an installed package runs into a folder: commands and faces as modules, types, data and the page.
 * @param folder replaced when all of it is there
 */
export async function buildPackage(
  folder: string,
  { page = true, types = true }: PackageOptions = {},
): Promise<void> {
  const work = `${folder}-${process.pid}.tmp`;
  await mkdir(work, { recursive: true });
  try {
    await Promise.all([
      bundle(work, [...sources({ portable: true }), 'index.ts'], { portable: true }),
      bundleForPages(work),
      ...(types ? [writeTypes(work)] : []),
      ...(page ? [buildPage(join(work, 'web-demo/dist'), asPackage)] : []),
      ...DATA.map((path) => cp(join(PROJECT, path), join(work, path), { recursive: true })),
    ]);
    for (const [name, { values, types: named }] of Object.entries(FACES)) {
      const face = `export { ${[...values, 'UserError'].join(', ')} } from './index.js';\n`;
      await writeFile(join(work, `${name}.js`), face);
      await writeFile(
        join(work, `${name}.d.ts`),
        `${face}export type { ${named.join(', ')} } from './index.js';\n`,
      );
    }
    await rm(folder, { recursive: true, force: true });
    await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The face for pages, with all it needs but onnxruntime-web, whose WebAssembly is a matter of the page's own build. */
export async function bundleForPages(folder: string): Promise<void> {
  await build({
    absWorkingDir: PROJECT,
    entryPoints: ['web.ts'],
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: 'web/[name]-[hash]',
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['onnxruntime-web', 'onnxruntime-web/*'],
    minifySyntax: true,
    logLevel: 'error',
    plugins: [
      {
        name: 'commands of the package',
        setup: ({ onLoad, onResolve }) => {
          // By its own name, which the page's build or import map resolves: inside the bundle it would not find its files.
          onResolve({ filter: /^#onnxruntime$/ }, () => ({ path: 'onnxruntime-web/wasm', external: true }));
          onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
            contents: asPackage(await readFile(path, 'utf8')),
            loader: 'ts',
          }));
        },
      },
    ],
  });
}

/** The types of the faces and of what they name, as TypeScript declares them. */
async function writeTypes(folder: string): Promise<void> {
  const all = join(folder, 'types.tmp');
  await mkdir(folder, { recursive: true });
  const config = join(PROJECT, 'node_modules/.cache', `types-${process.pid}.json`);
  await mkdir(dirname(config), { recursive: true });
  const compilerOptions = {
    ...{ noEmit: false, declaration: true, emitDeclarationOnly: true },
    ...{ rootDir: PROJECT, outDir: all, stripInternal: true },
  };
  const files = ['index.ts', 'web.ts', 'web-demo/page/assets.d.ts'].map((file) => join(PROJECT, file));
  await writeFile(
    config,
    JSON.stringify({ extends: join(PROJECT, 'tsconfig.json'), compilerOptions, files, include: [] }),
  );
  try {
    const tsc = [join(PROJECT, 'node_modules/typescript/bin/tsc'), '-p', config];
    const { status, stdout } = await runProgram(process.execPath, tsc);
    if (status !== 0) throw new Error(`tsc: ${stdout}`);
  } finally {
    await rm(config, { force: true });
  }
  const needed = new Set(['index.d.ts', 'web.d.ts']);
  for (const file of needed) {
    const text = await readFile(join(all, file), 'utf8');
    const written = text
      .replace(/(['"])(\.{1,2}\/[^'"\n]+)\.ts\1/g, (_, quote: string, path: string) => {
        needed.add(posix.join(posix.dirname(file), `${path}.d.ts`));
        return `${quote}${path}.js${quote}`;
      })
      .replace(OPTIONAL, '// @ts-ignore\n$&');
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), asPackage(written));
  }
  await rm(all, { recursive: true });
}

if (process.argv[1] !== undefined && pathToFileURL(process.argv[1]).href === import.meta.url) {
  await buildPackage(join(PROJECT, 'dist'));
  const files = await readdir(join(PROJECT, 'dist'), { recursive: true });
  process.stdout.write(`dist/ is built: ${files.length} files; npm pack makes the package of it\n`);
}
