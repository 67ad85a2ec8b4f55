import { execFile } from 'node:child_process';
import { command } from '../commands/command.ts';

/** Runs `npm run export` in a folder of its own. */
export function runCli(
  cwd: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, command('export', ...args), { cwd }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}
