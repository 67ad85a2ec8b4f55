import { UserError } from '../core/errors.ts';
import { type AlternateOptions, alternate, type Measured, speedRatio } from './alternate.ts';
import { MeasuredProcess } from './child-process.ts';
import { parseNet } from './children/measured-net.ts';
import { type Contestant, script, TORCH_BF16, TORCH_FP32 } from './contestants.ts';

/** A row of a comparison. */
export interface Result {
  contestant: string;
  imagesPerSecond: number;
  /** Relative spread of it over the rounds. */
  spread: number;
  /** How much faster than PyTorch; undefined where that was not measured. */
  toTorchFp32: number | undefined;
  toTorchBf16: number | undefined;
  /** Achieved, 2 a multiply-accumulate. */
  gflops: number;
  /** Of what a large matrix product reached in the same rounds. */
  shareOfPeak: number;
  peakBytes: number;
  /** From the setup to the end of the first batch. */
  setupSeconds: number;
}

export interface Comparison {
  model: string;
  batchSize: number;
  /** 0: as many as each takes by itself. */
  threads: number;
  results: Result[];
  /** GFLOPS of a matrix product of {@link GEMM_SIZE}. */
  peakGflops: number;
}

export interface CompareOptions extends AlternateOptions {
  model: string;
  /** Height and width of its images. */
  imageSize: number;
  /** That it tells apart. */
  classes: number;
  batchSize: number;
  /** 0: as many as each takes by itself. */
  threads: number;
  /** Multiply-accumulates of one image in what is measured, backward pass included. */
  macsPerImage: number;
  /** Told why a peer is left out. */
  onProgress: (text: string) => void;
}

/** Edge of the matrices; a product of the larger takes up to a second, and reaches a few per cent more. */
const gemmSize = (secondsPerTurn: number): number => (secondsPerTurn < 0.1 ? 512 : 2048);

/**
 * Measures contestants side by side, with a large matrix product among them as the measure of the machine. A peer
 * that cannot run the net is left out.
 * @throws UserError if one of ours cannot be measured, or the nets differ in their number of parameters
 */
export async function compare(
  candidates: readonly Contestant[],
  options: CompareOptions,
): Promise<Comparison> {
  const { model, imageSize, classes, batchSize, threads, macsPerImage, onProgress } = options;
  const { name: net, file } = parseNet(model);
  // The zoo may have another net of that name.
  const peersNet = file === undefined ? net : `timm/${net}`;
  const contestants: Contestant[] = [];
  const processes: MeasuredProcess[] = [];
  try {
    for (const contestant of candidates) {
      const { name, command, options: extra, isPeer } = contestant;
      // Peers of other languages do not read NAME@PIXELS.
      const setup = { model: isPeer ? peersNet : model, imageSize, classes, batchSize, threads, ...extra };
      try {
        processes.push(await MeasuredProcess.start(name, command, setup));
        contestants.push(contestant);
      } catch (error) {
        if (!isPeer || !(error instanceof UserError)) throw error;
        onProgress(`left out of ${model}: ${error.message}`);
      }
    }
    if (processes.length === 0) throw new UserError(`nothing that is named can be measured in ${model}`);
    const parameters = processes[0]!.parameters;
    // Of a file an exporter may have folded batch norm away.
    const other = file ? -1 : processes.findIndex((child) => child.parameters !== parameters);
    if (other >= 0) {
      throw new Error(
        `${contestants[other]!.name} has ${processes[other]!.parameters} parameters in ${model}, not ${parameters}`,
      );
    }
    const size = gemmSize(options.secondsPerTurn);
    const gemm = { model: String(size), batchSize: 1, threads };
    processes.push(await MeasuredProcess.start('matrix product', script('./children/gemm.ts'), gemm));
    const measured = await alternate(processes, options);
    const product = measured.pop()!;
    const peakBytes: number[] = [];
    for (const child of processes) peakBytes.push(await child.stop());
    const named = (name: string) => measured[contestants.findIndex((contestant) => contestant.name === name)];
    const [fp32, bf16] = [named(TORCH_FP32), named(TORCH_BF16)];
    const flopsOf = (rate: number) => 2 * macsPerImage * batchSize * rate;
    const gemmFlops = 2 * size ** 3;
    return {
      model,
      batchSize,
      threads,
      peakGflops: (gemmFlops * product.rate) / 1e9,
      results: contestants.map(({ name }, i): Result => {
        const own: Measured = measured[i]!;
        return {
          contestant: name,
          imagesPerSecond: own.rate * batchSize,
          spread: own.spread,
          toTorchFp32: fp32 && speedRatio(own, fp32),
          toTorchBf16: bf16 && speedRatio(own, bf16),
          gflops: flopsOf(own.rate) / 1e9,
          shareOfPeak: (flopsOf(1) / gemmFlops) * speedRatio(own, product),
          peakBytes: peakBytes[i]!,
          setupSeconds: processes[i]!.setupSeconds,
        };
      }),
    };
  } finally {
    for (const child of processes) child.kill();
  }
}
