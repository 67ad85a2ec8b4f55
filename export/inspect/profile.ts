import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorMessage, oneLine, UserError } from '../../core/errors.ts';
import { openSession, type Tensor } from '../../core/runtime/session.ts';

/** A node as onnxruntime ran it. */
export interface ProfiledNode {
  name: string;
  op: string;
  /** The outputs' dimensions, in order; those left out are missing. */
  shapes: number[][];
  /** Median over the runs. */
  milliseconds: number;
}

/** An entry of onnxruntime's profile, which is in Chrome's trace format. */
interface TraceEvent {
  cat: string;
  name: string;
  /** Microseconds. */
  dur: number;
  ts: number;
  args?: { op_name?: string; output_type_shape?: Record<string, number[]>[] };
}

const SUFFIX = '_kernel_time';

/**
 * Runs a model under onnxruntime's profiler.
 * @param options.runs how many times it is timed, after one run that is not
 * @param options.fused whether onnxruntime optimises the graph first: true for what a server would run; false
 *   for the nodes as the file has them
 * @throws UserError if onnxruntime cannot load or run the model
 */
export async function profileModel(
  bytes: Uint8Array,
  feeds: Record<string, Tensor>,
  options: { runs: number; fused: boolean },
): Promise<ProfiledNode[]> {
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  try {
    const session = await openSession(bytes, {
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
      graphOptimizationLevel: options.fused ? 'all' : 'disabled',
      quiet: true,
    });
    try {
      for (let run = 0; run <= options.runs; run++) await session.run(feeds);
    } finally {
      session.endProfiling();
      await session.release();
    }
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(join(folder, file!), 'utf8')) as TraceEvent[];
    return summarize(events, options.runs);
  } catch (error) {
    throw new UserError(`onnxruntime cannot run the model: ${oneLine(errorMessage(error))}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The nodes in the order they ran, each with its time in every run but the first. */
function summarize(events: readonly TraceEvent[], runs: number): ProfiledNode[] {
  const nodes = new Map<string, { node: ProfiledNode; times: number[] }>();
  const kernels = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith(SUFFIX));
  for (const { name, dur, args } of kernels.sort((a, b) => a.ts - b.ts)) {
    const own = name.slice(0, -SUFFIX.length);
    const op = args?.op_name ?? '';
    // Nodes without a name are told apart by their operator only; their times add up below.
    const key = `${op}:${own}`;
    const known = nodes.get(key) ?? {
      node: { name: own, op, shapes: shapesOf(args?.output_type_shape), milliseconds: 0 },
      times: [],
    };
    nodes.set(key, known);
    known.times.push(dur / 1000);
  }
  return [...nodes.values()].map(({ node, times }) => ({ ...node, milliseconds: perRun(times, runs) }));
}

/** A node runs as often in each run, more than once if it is in a loop or shares its name. */
function perRun(times: readonly number[], runs: number): number {
  const each = times.length / (runs + 1);
  const totals = Array.from({ length: runs }, (_, run) =>
    times
      .slice(Math.round((run + 1) * each), Math.round((run + 2) * each))
      .reduce((sum, time) => sum + time, 0),
  ).sort((a, b) => a - b);
  return totals[Math.floor((totals.length - 1) / 2)]!;
}

function shapesOf(outputs: readonly Record<string, number[]>[] | undefined): number[][] {
  return (outputs ?? []).map((entry) => Object.values(entry)[0] ?? []);
}
