import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

describe('an atomic write', () => {
  it('writes text and bytes, and makes the folders above', async () => {
    const folder = await temporaryFolder();
    await writeFileAtomic(join(folder, 'a', 'b', 'text'), 'größe');
    assert.equal(await readFile(join(folder, 'a', 'b', 'text'), 'utf8'), 'größe');
    await writeFileAtomic(join(folder, 'bytes'), Uint8Array.of(9, 1, 2, 9).subarray(1, 3));
    assert.deepEqual([...(await readFile(join(folder, 'bytes')))], [1, 2]);
  });

  it('replaces a longer file whole, and leaves no temporary file', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'f'), 'a long text from before');
    await writeFileAtomic(join(folder, 'f'), 'new');
    assert.equal(await readFile(join(folder, 'f'), 'utf8'), 'new');
    assert.deepEqual(await readdir(folder), ['f']);
  });

  it('that fails rejects, and leaves no temporary file', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
    await assert.rejects(writeFileAtomic(join(folder, 'taken'), 'x'));
    await writeFile(join(folder, 'file'), 'kept');
    await assert.rejects(writeFileAtomic(join(folder, 'file', 'below'), 'x'));
    assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'kept');
    assert.deepEqual(await readdir(folder), ['file', 'taken']);
  });

  it('is never seen half done, even with several at once', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'f');
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(300_000));
    await writeFileAtomic(path, contents[0]!);
    let writing = true;
    const writes = Promise.all(contents.map((text) => writeFileAtomic(path, text))).finally(() => {
      writing = false;
    });
    let reads = 0;
    do {
      const seen = await readFile(path, 'utf8');
      assert.ok(contents.includes(seen), `${seen.length} characters`);
      reads++;
    } while (writing);
    await writes;
    assert.ok(reads > 0);
    assert.deepEqual(await readdir(folder), ['f']);
  });
});
