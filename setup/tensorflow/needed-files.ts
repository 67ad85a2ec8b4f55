/** TensorFlow's libraries in a wheel; the second is loaded by the first. */
export const WHEEL_LIBRARIES = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
] as const;

/** The headers that the binding includes, directly or not. Of a wheel's 155 MB of headers these are 6. */
const HEADER_FOLDERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/c/', 'tsl/platform/'];

const WHEEL_HEADERS = 'tensorflow/include/';

/** True for a path below `include/` that the build may read. */
export function isNeededHeader(path: string): boolean {
  return path.endsWith('.h') && HEADER_FOLDERS.some((folder) => path.startsWith(folder));
}

/** Where a file of a wheel goes in the library folder; undefined if it is not needed. */
export function wheelTarget(path: string): string | undefined {
  if ((WHEEL_LIBRARIES as readonly string[]).includes(path)) {
    return `lib/${path.slice('tensorflow/'.length)}`;
  }
  if (!path.startsWith(WHEEL_HEADERS)) return undefined;
  const header = path.slice(WHEEL_HEADERS.length);
  return isNeededHeader(header) ? `include/${header}` : undefined;
}
