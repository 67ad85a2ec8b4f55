/** What the codes of a machine's refusals mean, and how to mend them. */
const REFUSALS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room and run again',
  EDQUOT: 'the quota of the disk is used up; make room and run again',
  EFBIG: 'the file is larger than the file system or a limit (ulimit -f) allows; write it elsewhere',
  EIO: 'the device fails (input/output error); check it, or use another',
  EROFS: 'the file system is read-only; name a folder that can be written',
  EACCES: 'permission denied; change the rights, or name another file or folder',
  EPERM: 'not permitted; change the rights, or name another file or folder',
  ENOTDIR: 'a file is where a folder should be; name another folder',
  EISDIR: 'a folder is where a file should be; name another file',
  ENAMETOOLONG: 'the name is too long; give a shorter one',
  ELOOP: 'its links lead in a circle; name another file',
  EMFILE: 'too many files are open; raise the limit (ulimit -n)',
  ENFILE: 'too many files are open on this machine; raise its limit',
  ESTALE: 'the network file system lost it; mount it anew and run again',
  ETIMEDOUT: 'the network file system does not answer; run again when it does',
};

const NO_FOLDER = 'there can be no folders there; name another folder';

const READING = new Set(['read', 'scandir', 'stat', 'lstat', 'readlink', 'opendir', 'access']);
/** An `open` with one of these may have been for reading. */
const EITHER = new Set(['EACCES', 'EPERM', 'EIO', 'EMFILE', 'ENFILE', 'ELOOP', 'ENOTDIR', 'EISDIR']);

/**
 * One line for what the file system refused, and how to mend it.
 * @returns undefined if the error is none of that kind but, say, a mistake of ours
 */
export function diskError(error: unknown): string | undefined {
  const { code, path, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  // That a file is missing is no refusal, unless a folder cannot be made.
  const meaning = code === 'ENOENT' && syscall === 'mkdir' ? NO_FOLDER : code && REFUSALS[code];
  // Only the file system's own errors name the call; a network's have an address too.
  if (!meaning || syscall === undefined || 'address' in (error as object)) return undefined;
  const unsure = syscall === 'open' && EITHER.has(code!);
  const verb = READING.has(syscall) ? 'read' : unsure ? 'open' : 'write';
  return `cannot ${verb} ${path ?? 'a file'}: ${meaning}`;
}
