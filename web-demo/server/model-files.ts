import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { UserError } from '../../core/errors.ts';
import { type LoadedClassifier, loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { modelFileAt, modelInRepository } from '../../core/foreign-model/model-folder.ts';
import { openInThread } from '../../core/foreign-model/open-model.ts';
import { FileStamps } from '../../core/fs/file-stamps.ts';
import { DISK } from '../../core/fs/file-tree.ts';
import { readRegularFile } from '../../core/fs/regular-file.ts';
import { isOurs } from '../../core/model-metadata.ts';
import { parseModel } from '../../core/onnx/parse-model.ts';

/** A model the demo serves. */
export interface ModelFile {
  /** What the page calls it and `--model` accepts, e.g. `resnet20` or `exports/mine`. */
  name: string;
  file: string;
  bytes: number;
  /** Changes when the file does. */
  version: string;
}

/** Finds the models to serve, and the one to open first. */
export class ModelFiles {
  readonly #folders: ModelFolders;
  readonly #extra: ModelFile | undefined;
  /** The name of the model the page opens first. */
  readonly preferred: string;
  /** What it opens first where line or device are weak: the smallest that comes with the project, if nothing was asked for. */
  readonly light: string | undefined;
  /** By file and version: whether another program wrote it. */
  readonly #foreign = new Map<string, Promise<boolean>>();
  readonly #compressed = new Map<string, Promise<Buffer>>();
  /** The one adapted last; others are soon made. */
  #adapted: { file: string; stamps: FileStamps; classifier: Promise<LoadedClassifier> } | undefined;

  private constructor(
    folders: ModelFolders,
    extra: ModelFile | undefined,
    preferred: string,
    light?: string,
  ) {
    this.#folders = folders;
    this.#extra = extra;
    this.preferred = preferred;
    this.light = light;
  }

  /**
   * @param root the folder that holds `models/`, and `exports/` if that is not said
   * @param wanted a name, a path of an .onnx file or of a folder with one, or undefined for the first model there is
   * @throws UserError if `wanted` is not there, or there is no model at all
   */
  static async open(
    root: string,
    wanted?: string,
    exports: string = path.join(root, 'exports'),
  ): Promise<ModelFiles> {
    const folders = { models: path.join(root, 'models'), exports };
    const listed = await listModels(folders);
    if (wanted === undefined) {
      const first = listed[0];
      if (!first) {
        throw new UserError(
          'there is no .onnx file in models/ or exports/; export one with npm run export, or give --model FILE',
        );
      }
      const [smallest] = listed.filter(({ name }) => isEmbedded(name)).sort((a, b) => a.bytes - b.bytes);
      const light = isEmbedded(first.name) && smallest !== first ? smallest?.name : undefined;
      return new ModelFiles(folders, undefined, first.name, light);
    }
    const file = path.resolve(wanted);
    // As in the server, a plain name means what was exported last, before what came with the project.
    const known =
      listed.find((model) => model.name === `exports/${wanted}`) ??
      listed.find((model) => model.name === wanted || path.resolve(model.file) === file);
    if (known) return new ModelFiles(folders, undefined, known.name);
    // A folder as Hugging Face lays it out, as the server takes it.
    const model = (await modelInRepository(file, DISK)) === undefined ? file : await modelFileAt(file, DISK);
    const info = await stat(model).catch(() => undefined);
    if (!info?.isFile()) {
      const names = listed.map((model) => model.name).join(', ') || 'none';
      throw new UserError(`there is no model "${wanted}"; --model is an .onnx file or one of: ${names}`);
    }
    const stem = path.basename(file).replace(/\.onnx$/i, '');
    const name = listed.some((model) => model.name === stem) ? `file/${stem}` : stem;
    return new ModelFiles(folders, { name, file: model, bytes: info.size, version: versionOf(info) }, name);
  }

  /** The listed model of that name; undefined if there is none. */
  async find(name: string): Promise<ModelFile | undefined> {
    return (await this.list()).find((model) => model.name === name);
  }

  /** The models there are now, so that a fresh export shows up without a restart. */
  async list(): Promise<ModelFile[]> {
    const listed = await listModels(this.#folders);
    const extra = this.#extra;
    if (!extra) return listed;
    const info = await stat(extra.file).catch(() => undefined);
    const now = info ? { ...extra, bytes: info.size, version: versionOf(info) } : extra;
    return [now, ...listed.filter((model) => model.name !== extra.name)];
  }

  /**
   * The file in brotli, a twelfth smaller. That takes as much computing as a page's first answer, which it may share the
   * processor with, so it is kept for the next; of a few models.
   */
  compressed(model: ModelFile): Promise<Buffer> {
    const key = `${model.file}\n${model.version}`;
    const known = this.#compressed.get(key) ?? compress(model.file);
    // The one asked for last is the last to go.
    this.#compressed.delete(key);
    this.#compressed.set(key, known);
    known.catch(() => this.#compressed.delete(key));
    for (const oldest of [...this.#compressed.keys()].slice(0, -KEPT)) this.#compressed.delete(oldest);
    return known;
  }

  /** Whether another program wrote it, so that the page needs what the files beside it say. */
  isForeign({ name, file, version }: ModelFile): Promise<boolean> {
    const key = `${file}\n${version}`;
    const known = this.#foreign.get(key) ?? writtenByAnother(file, name);
    this.#foreign.set(key, known);
    return known;
  }

  /**
   * A model of another program as one of ours, by the files beside it, as a server has it.
   * @throws UserError if it is no classifier, or nothing says how to prepare images for it
   */
  async adapted({ file }: ModelFile): Promise<LoadedClassifier> {
    const last = this.#adapted;
    if (last?.file === file && last.stamps.asRead === (await last.stamps.now())) return last.classifier;
    const stamps = new FileStamps();
    const source = path.basename(file);
    const classifier = loadClassifier(file, { source, files: stamps, open: openInThread });
    const adapted = { file, stamps, classifier };
    this.#adapted = adapted;
    // Whatever was wrong may have been mended until it is asked for again.
    classifier.catch(() => {
      if (this.#adapted === adapted) this.#adapted = undefined;
    });
    return classifier;
  }
}

/** Compressed models that are kept. */
const KEPT = 4;

async function compress(file: string): Promise<Buffer> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
  return promisify(brotliCompress)(await readRegularFile(file), { params });
}

/** Of a file that is no model the page says what is wrong with it. */
async function writtenByAnother(file: string, name: string): Promise<boolean> {
  try {
    const { metadataProps } = parseModel(new Uint8Array(await readRegularFile(file)), name);
    return !isOurs(Object.fromEntries(metadataProps.map(({ key, value }) => [key ?? '', value ?? ''])));
  } catch {
    return false;
  }
}

function versionOf({ mtimeMs, size }: { mtimeMs: number; size: number }): string {
  return `${Math.round(mtimeMs).toString(36)}-${size.toString(36)}`;
}

const isEmbedded = (name: string): boolean => !name.startsWith('exports/');

/** The models that come with the project, and those that were exported. */
type ModelFolders = Record<'models' | 'exports', string>;

async function listModels(folders: ModelFolders): Promise<ModelFile[]> {
  const models: ModelFile[] = [];
  for (const [folder, prefix] of [
    ['models', ''],
    ['exports', 'exports/'],
  ] as const) {
    const directory = folders[folder];
    const names = await readdir(directory).catch(() => [] as string[]);
    const found = names.filter((entry) => /\.onnx$/i.test(entry));
    for (const name of found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
      const file = path.join(directory, name);
      const info = await stat(file).catch(() => undefined);
      if (info?.isFile()) {
        models.push({
          name: `${prefix}${name.slice(0, -'.onnx'.length)}`,
          file,
          bytes: info.size,
          version: versionOf(info),
        });
      }
    }
  }
  return models;
}
