import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { diskError } from '../../core/fs/disk-error.ts';
import { makeFolders } from '../../core/fs/make-folder.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** A device that is always full; Linux has it. */
const FULL = '/dev/full';

const systemError = (code: string, syscall: string, path?: string) =>
  Object.assign(new Error(`${code}: refused, ${syscall}`), {
    code,
    syscall,
    ...(path === undefined ? {} : { path }),
  });

describe('what the file system refuses is one line that says how to mend it', () => {
  const cases: [code: string, syscall: string, line: RegExp][] = [
    ['ENOSPC', 'write', /^cannot write f: the disk is full; make room/],
    ['ENOSPC', 'open', /^cannot write f: the disk is full/],
    ['EDQUOT', 'write', /^cannot write f: the quota .*; make room/],
    ['EIO', 'write', /^cannot write f: the device fails/],
    ['EIO', 'fsync', /^cannot write f: the device fails/],
    ['EIO', 'read', /^cannot read f: the device fails/],
    ['EROFS', 'open', /^cannot write f: the file system is read-only/],
    ['EACCES', 'mkdir', /^cannot write f: permission denied/],
    ['EACCES', 'open', /^cannot open f: permission denied/],
    ['EPERM', 'rename', /^cannot write f: not permitted/],
    ['EFBIG', 'write', /^cannot write f: the file is larger/],
    ['ENOENT', 'mkdir', /^cannot write f: there can be no folders there/],
  ];
  for (const [code, syscall, line] of cases) {
    it(`${code} of ${syscall}`, () => assert.match(diskError(systemError(code, syscall, 'f')) ?? '', line));
  }

  it('and nothing else is', async () => {
    for (const error of [undefined, null, 'text', new Error('bug'), systemError('ENOENT', 'open', 'f')]) {
      assert.equal(diskError(error), undefined, String(error));
    }
    // Of the network: a port that is not ours, or an address that cannot be reached.
    assert.equal(
      diskError(Object.assign(systemError('EACCES', 'listen'), { address: '::', port: 80 })),
      undefined,
    );
    const refused = await new Promise((resolve) => connect(1, '127.0.0.1').once('error', resolve));
    assert.equal(diskError(refused), undefined);
  });

  it('with the name of the file, whatever part of writing fails', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const error = await makeFolders(join(folder, 'file', 'below')).catch((caught: unknown) => caught);
    assert.match(diskError(error) ?? '', /^cannot write .*file(.below)?: a file is where a folder should be/);
    await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
    const taken = await writeFileAtomic(join(folder, 'taken'), 'x').catch((caught: unknown) => caught);
    assert.match(diskError(taken) ?? '', /^cannot write .*taken.*a folder is where a file should be/);
    if (!existsSync(FULL)) return;
    assert.match(
      diskError(await appendFile(FULL, 'x').catch((caught: unknown) => caught)) ?? '',
      /the disk is full/,
    );
  });
});

it('output that goes to a full disk ends a command with one line', {
  skip: existsSync(FULL) ? false : 'on Linux only, which has /dev/full',
}, async () => {
  const shell = `"${process.execPath}" onnx-classifier.js runs --help > ${FULL}`;
  const child = spawn('sh', ['-c', shell], { cwd: PROJECT });
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual(
    [code, stderr],
    [1, 'error: cannot write the output: the disk is full; make room and run again\n'],
  );
});

describe('temporary files of killed writes', () => {
  it('are removed by the next write of the same file, once nobody can be writing them', async () => {
    const folder = await temporaryFolder();
    const dead = 2 ** 22 + 1;
    const old = new Date(Date.now() - 120_000);
    const leave = async (name: string, time: Date) => {
      await writeFile(join(folder, name), 'half');
      await utimes(join(folder, name), time, time);
    };
    await leave(`f.${dead}-00000000.tmp`, old);
    await leave(`f.${dead}-00000001.tmp`, new Date());
    await leave(`f.${process.pid}-00000002.tmp`, old);
    await leave(`other.${dead}-00000003.tmp`, old);
    await leave('f.tmp', old);
    await writeFileAtomic(join(folder, 'f'), 'new');
    assert.deepEqual(
      (await readdir(folder)).sort(),
      [
        'f',
        `f.${dead}-00000001.tmp`,
        `f.${process.pid}-00000002.tmp`,
        'f.tmp',
        `other.${dead}-00000003.tmp`,
      ].sort(),
    );
  });
});
