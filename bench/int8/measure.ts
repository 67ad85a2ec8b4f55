import { encodeModel } from '../../core/onnx/model-file.ts';
import { OpenVinoSession } from '../../core/openvino/session.ts';
import { type InferenceSession, openSession, Tensor } from '../../core/runtime/session.ts';
import { exportedModel } from '../children/exported-model.ts';
import { measuredNet } from '../children/measured-net.ts';
import { randomBatch } from '../children/random-batch.ts';
import { median } from '../statistics.ts';

export interface Int8Options {
  batchSize: number;
  /** Threads of each session; 0: one a core. */
  threads: number;
  rounds: number;
  /** Whether the same files are measured in OpenVINO too. */
  openvino: boolean;
}

/** fp32 against int8 of one net, with 8-bit and with 7-bit weights; times are medians, in milliseconds a batch. */
export interface Int8Comparison {
  model: string;
  batchSize: number;
  fp32: Timing;
  int8: QuantizedTiming;
  int7: QuantizedTiming;
  /** The same files in OpenVINO, against fp32 in onnxruntime. */
  openvino?: { fp32: QuantizedTiming; int8: QuantizedTiming };
}

export interface QuantizedTiming extends Timing {
  /** Medians of the ratio in each round: how much less time it takes than fp32. */
  wallRatio: number;
  cpuRatio: number;
}

export interface Timing {
  wall: number;
  /** Of all threads. On a busy machine, with one thread, this is the steadier of the two. */
  cpu: number;
}

/** Times the exported fp32 graph and its int8 forms by turns, in one process. */
export async function measureInt8(model: string, options: Int8Options): Promise<Int8Comparison> {
  const { batchSize, threads } = options;
  const net = await measuredNet(model);
  const { images, imageDims } = randomBatch(net, batchSize);
  const sessions: InferenceSession[] = [];
  try {
    const inOpenVino: InferenceSession[] = [];
    for (const precision of ['fp32', 'int8', 'int7'] as const) {
      const file = encodeModel(await exportedModel(net, precision, batchSize, threads));
      sessions.push(await openSession(file, { threads }));
      if (options.openvino && precision !== 'int7')
        inOpenVino.push(
          await openSession(file, { threads, int8: false }, { InferenceSession: OpenVinoSession }),
        );
    }
    sessions.push(...inOpenVino);
    const input = new Tensor('float32', images, imageDims);
    const timings: Timing[][] = sessions.map(() => []);
    // The first round warms up and is not counted.
    for (let round = 0; round <= options.rounds; round++) {
      for (const turn of sessions.keys()) {
        const index = (round + turn) % sessions.length;
        const timing = await time(sessions[index]!, input);
        if (round > 0) timings[index]!.push(timing);
      }
    }
    const [fp32, int8, int7, ...others] = timings as [Timing[], Timing[], Timing[], ...Timing[][]];
    const [fp32OpenVino, int8OpenVino] = others.map((timing) => against(fp32, timing));
    return {
      ...{ model, batchSize, fp32: middle(fp32) },
      ...{ int8: against(fp32, int8), int7: against(fp32, int7) },
      ...(fp32OpenVino && int8OpenVino && { openvino: { fp32: fp32OpenVino, int8: int8OpenVino } }),
    };
  } finally {
    for (const session of sessions) await session.release();
  }
}

async function time(session: InferenceSession, input: Tensor): Promise<Timing> {
  const start = performance.now();
  const before = process.cpuUsage();
  await session.run({ input });
  const used = process.cpuUsage(before);
  return { wall: performance.now() - start, cpu: (used.user + used.system) / 1000 };
}

function middle(timings: readonly Timing[]): Timing {
  return {
    wall: median(timings.map(({ wall }) => wall)),
    cpu: median(timings.map(({ cpu }) => cpu)),
  };
}

function against(fp32: readonly Timing[], quantized: readonly Timing[]): QuantizedTiming {
  const ratio = (key: keyof Timing) =>
    median(fp32.map((timing, round) => timing[key] / quantized[round]![key]));
  return { ...middle(quantized), wallRatio: ratio('wall'), cpuRatio: ratio('cpu') };
}
