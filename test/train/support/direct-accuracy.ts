import type { ImageDataset } from '../../../core/data/dataset.ts';
import type { Graph } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../../core/onnx/passes/fold-batch-norm.ts';
import { openSession, Tensor } from '../../../core/runtime/session.ts';

/**
 * A classifier's figures on the test split by the shortest way there is: all images in one batch, softmax and
 * ranks in float64. Shares no code with the trainer's evaluation but the graph and the folding.
 */
export async function accuracyOf(
  graph: Graph,
  { test, normalization, height, width, labels: names }: ImageDataset,
  fold = true,
): Promise<{ top1: number; top5: number; loss: number }> {
  const pixels = height * width;
  const images = Float32Array.from(test.images, (byte, i) => {
    const channel = Math.floor(i / pixels) % 3;
    return (byte / 255 - normalization.mean[channel]!) / normalization.std[channel]!;
  });
  const bytes = encodeModel(fold ? foldBatchNorm(graph) : graph);
  const session = await openSession(bytes);
  const input = new Tensor('float32', images, [test.count, 3, height, width]);
  const { logits } = await session.run({ input });
  await session.release();
  let [top1, top5, loss] = [0, 0, 0];
  for (let n = 0; n < test.count; n++) {
    const row = Array.from(logits!.data.slice(n * names.length, (n + 1) * names.length), Number);
    const own = row[test.labels[n]!]!;
    const better = row.filter((value) => value > own).length;
    if (better < 1) top1++;
    if (better < 5) top5++;
    const top = Math.max(...row);
    loss += top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0)) - own;
  }
  return { top1: top1 / test.count, top5: top5 / test.count, loss: loss / test.count };
}
