/**
 * Gives onnxruntime damaged models that our checks let through, and prints how many it loads, runs and refuses.
 * In a process of its own: what is looked for is that it does not crash.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { Random } from '../../core/random.ts';
import { MODELS, tinyModel } from './models.ts';
import { mutate } from './mutate.ts';

const wanted = Number(process.argv[2]);
const counts = { decoded: 0, ran: 0, refused: 0 };
for (const { name, bytes, reach } of MODELS) {
  const before = counts.decoded;
  for (let i = 0; counts.decoded - before < wanted; i++) {
    const damaged = mutate(bytes, new Random(11, i), tinyModel(), reach);
    let dims: number[];
    let input: string;
    try {
      const { graph } = decodeModel(damaged, name);
      input = graph.inputs[0]!.name;
      dims = graph.inputs[0]!.dims.map((dim) => (typeof dim === 'number' ? dim : 1));
    } catch {
      continue;
    }
    counts.decoded++;
    // After a crash it is the last line.
    process.stderr.write(`${name} ${i}\n`);
    try {
      const session = await InferenceSession.create(damaged, { logSeverityLevel: 4, intraOpNumThreads: 1 });
      const size = dims.reduce((product, dim) => product * dim, 1);
      if (size <= 1e6) await session.run({ [input]: new Tensor('float32', new Float32Array(size), dims) });
      await session.release();
      counts.ran++;
    } catch {
      counts.refused++;
    }
  }
}
process.stdout.write(`${JSON.stringify(counts)}\n`);
