import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a folder and works in it, without data in the environment. @returns goes back and removes it */
export async function enterTemporaryFolder(): Promise<() => Promise<void>> {
  const before = process.cwd();
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'examples-test-'));
  process.chdir(folder);
  delete process.env.CIFAR100_DIR;
  delete process.env.CIFAR10_DIR;
  return async () => {
    process.chdir(before);
    await rm(folder, { recursive: true, force: true });
  };
}
