/**
 * Exports a run, and prints how much memory that took on top of the program's own: the growth of the largest
 * resident size, in bytes. For a process of its own, on Linux.
 */
import 'onnxruntime-node';
import { readFileSync } from 'node:fs';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { exportRun } from '../../export/export-model.ts';

/** Not `process.resourceUsage()`: its maximum goes on from that of the process that started this one. */
function peak(): number {
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

const [path, out] = process.argv.slice(2);
const before = peak();
await exportRun({ run: RunDirectory.open(path!), out: out! });
process.stdout.write(`${peak() - before}\n`);
