import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeApiFolder, tfjsFolder, tfjsVersion } from '../../core/tensorflow/binding.ts';

/** Where the parts of the set-up lie. */
export interface Places {
  /** Outlives node_modules, so that `npm ci` does not cost the download again. */
  cache: string;
  /** TensorFlow's libraries and headers: `lib/`, `include/` and `installed.json`. */
  library: string;
  /** The built binding. It is of a version of tfjs-node and of Node's stable ABI, so Node may change. */
  binding: string;
  /** What is being made; renamed into place when whole, cleared by the next run if one was killed. */
  unfinished: string;
  /** Where the binding is built. Not in node_modules, which a failed build would litter, and not in the
   * project, whose path may have blanks in it, which make does not take. */
  build: string;
  buildLog: string;
  /** The package in node_modules, which gets a link to the library and a copy of the binding. */
  tfjs: string;
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** The places of this project; a test gives its own. */
export function projectPlaces(cache = join(PROJECT, '.tensorflow'), tfjs = tfjsFolder()): Places {
  return {
    cache,
    library: join(cache, 'library'),
    binding: join(cache, 'binding', `${tfjsVersion(tfjs)}-${nodeApiFolder()}`, 'tfjs_binding.node'),
    unfinished: join(cache, 'unfinished'),
    build: join(tmpdir(), `tfjs-binding-${process.pid}`),
    buildLog: join(cache, 'build.log'),
    tfjs,
  };
}
