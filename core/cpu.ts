import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** Instruction sets that decide how fast convolutions run, by their flags in /proc/cpuinfo. */
const INSTRUCTION_SETS = {
  avx2: ['avx2'],
  avx512: ['avx512f'],
  vnni: ['avx512_vnni', 'avx_vnni'],
  bf16: ['avx512_bf16', 'amx_bf16'],
  amx: ['amx_tile'],
} as const;

export type InstructionSet = keyof typeof INSTRUCTION_SETS;

export interface CpuFacts {
  model: string;
  /** Those that this process may use. */
  cores: number;
  /** Undefined where the operating system does not tell. */
  instructionSets: Record<InstructionSet, boolean> | undefined;
  /** Of the machine, or of its container if that has less. */
  memoryMb: number;
}

export function readCpu(): CpuFacts {
  // 0: not constrained; without a limit, Linux reports one beyond any memory.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return {
    model: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    instructionSets: readInstructionSets(),
    memoryMb: Math.round(Math.min(totalmem(), limit) / 2 ** 20),
  };
}

function readInstructionSets(): CpuFacts['instructionSets'] {
  try {
    return parseInstructionSets(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return undefined;
  }
}

/** Reads the flags of an x86 processor; undefined for another's. */
export function parseInstructionSets(cpuinfo: string): CpuFacts['instructionSets'] {
  const line = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1];
  if (line === undefined) return undefined;
  const flags = new Set(line.trim().split(/\s+/));
  const has = (set: InstructionSet) => INSTRUCTION_SETS[set].some((flag) => flags.has(flag));
  return {
    avx2: has('avx2'),
    avx512: has('avx512'),
    vnni: has('vnni'),
    bf16: has('bf16'),
    amx: has('amx'),
  };
}
