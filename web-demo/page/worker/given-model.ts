import { errorMessage, UserError } from '../../../core/errors.ts';
import { findPreprocessing } from '../../../core/foreign-model/beside-model.ts';
import type { RunnableModel } from '../../../core/foreign-model/interface.ts';
import { modelFileAt } from '../../../core/foreign-model/model-folder.ts';
import { preprocessingNotes } from '../../../core/foreign-model/preprocessing.ts';
import type { FileTree } from '../../../core/fs/file-tree.ts';
import { inlineExternalData } from '../../../core/onnx/inline-external-data.ts';
import type { PathFile } from '../picture/dropped-files.ts';
import { type ReadModel, readModel } from './foreign.ts';

/**
 * Reads the model of a folder that the page was given with what lies beside it, as the server reads such a folder.
 * @param files all in one folder, whose name their paths begin with
 * @param name what to call the model
 * @param open opens a model to try it
 * @throws UserError if there is no model or not one, nothing says how to prepare images for it, or it cannot be run
 */
export async function readGivenModel(
  files: readonly PathFile[],
  name: string,
  open: (bytes: Uint8Array) => Promise<RunnableModel>,
): Promise<ReadModel> {
  const tree = givenTree(files);
  const path = await modelFileAt(files[0]!.path.split('/')[0]!, tree);
  const whole = await tree.read(path).catch((error: unknown) => {
    throw new UserError(`${path} ${errorMessage(error)}.`);
  });
  const bytes = await inlineExternalData(whole, path, path, tree);
  return readModel(bytes, name, open, async (model) => {
    const given = await findPreprocessing(path, undefined, model, path, tree);
    return { given, notes: preprocessingNotes(given) };
  });
}

/** Files of a drop or a choice in their folders. */
function givenTree(given: readonly PathFile[]): FileTree {
  const files = new Map(given.map(({ path, file }) => [path, file]));
  const below = (folder: string): string[] =>
    [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
  const fileAt = (path: string): File => {
    const file = files.get(path);
    if (!file) throw new Error('is missing; it must be given with the model');
    return file;
  };
  const bytesOf = async (blob: Blob): Promise<Uint8Array<ArrayBuffer>> => {
    const buffer = await blob.arrayBuffer().catch(() => {
      throw new Error('can no longer be read; give the files again');
    });
    return new Uint8Array(buffer);
  };
  return {
    path: {
      join: (...parts) => parts.join('/'),
      dirname: (path) => path.split('/').slice(0, -1).join('/'),
      basename: (path) => path.split('/').at(-1)!,
    },
    isFile: async (path) => files.has(path),
    isFolder: async (path) => below(path).length > 0,
    has: async (path) => files.has(path) || below(path).length > 0,
    list: async (folder) => {
      const names = below(folder).map((path) => path.slice(folder.length + 1).split('/')[0]!);
      return [...new Set(names)].filter((name) => !name.startsWith('.')).sort();
    },
    read: async (path, maxBytes = Number.POSITIVE_INFINITY) => {
      const file = fileAt(path);
      if (file.size > maxBytes)
        throw new Error(`it has ${file.size} bytes, more than the ${maxBytes} it may have`);
      return bytesOf(file);
    },
    open: async (path) => {
      const file = fileAt(path);
      return {
        size: file.size,
        part: (offset, length) => bytesOf(file.slice(offset, offset + length)),
        close: async () => {},
      };
    },
    real: async (path) => path,
    beside: async (file, location) => {
      // Names with "./" in them are usual, and whatever leads elsewhere is not among what was given.
      const parts = location.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
      const path = [...file.split('/').slice(0, -1), ...parts].join('/');
      fileAt(path);
      return path;
    },
  };
}
