import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOf } from '../../core/onnx/graph.ts';
import { type InferenceSession, openSession, Tensor } from '../../core/runtime/session.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import { decodeSafetensors } from '../../core/weights/safetensors.ts';
import type { DescribedGraph, StepDescription } from '../../train/step-files/describe.ts';
import type { Batches } from './batch-file.ts';

type Vectors = Record<string, Float32Array>;

/**
 * Trains with the graphs of a run as a program would that knows nothing but its step-graph.json: by the names
 * in it, all shares one after the other.
 * @returns the state's vectors after the batches
 */
export async function driveStepGraph(folder: string, batches: Batches): Promise<Vectors> {
  const about = JSON.parse(await readFile(join(folder, 'step-graph.json'), 'utf8')) as StepDescription;
  const open = ({ file }: DescribedGraph) => openSession(join(folder, file), { threads: 1 });
  const [gradient, update] = [await open(about.gradient), await open(about.update)];
  const scalarsPath = join(folder, about.scalars.file);
  const scalars = decodeSafetensors(await readFile(scalarsPath), scalarsPath).tensors;
  const { shares } = about;
  const state = await readState(folder, about);
  for (const [step, images] of batches.images.entries()) {
    const meanGradient = new Float32Array(about.layouts.parameters.size);
    const meanBuffers = new Float32Array(about.layouts.buffers.size);
    for (let share = 0; share < shares; share++) {
      const part = (array: Float32Array) =>
        array.slice((share * array.length) / shares, ((share + 1) * array.length) / shares);
      const given = { ...state, images: part(images), targets: part(batches.targets[step]!) };
      const results = await run(gradient, about.gradient, given);
      for (const [mean, values] of [
        [meanGradient, results.gradient!],
        [meanBuffers, results.next_buffers!],
      ] as const) {
        for (let i = 0; i < mean.length; i++) mean[i]! += values[i]! / shares;
      }
    }
    const numbers = about.scalars.names.map((name) => [
      name,
      scalars.get(name)!.data.subarray(step, step + 1),
    ]);
    const given = {
      ...state,
      ...Object.fromEntries(numbers),
      gradient: meanGradient,
      next_buffers: meanBuffers,
    };
    const results = await run(update, about.update, given);
    for (const { name } of about.state.vectors) state[name] = results[`next_${name}`] ?? state[name]!;
    state.buffers = meanBuffers;
  }
  await Promise.all([gradient.release(), update.release()]);
  return state;
}

async function readState(folder: string, about: StepDescription): Promise<Vectors> {
  const { tensors } = await loadCheckpoint(join(folder, about.state.file));
  return Object.fromEntries(
    about.state.vectors.map(({ name, layout, prefix }) => {
      const vector = new Float32Array(about.layouts[layout].size);
      for (const tensor of about.layouts[layout].tensors) {
        vector.set(tensors.get(prefix + tensor.name)!.data, tensor.offset);
      }
      return [name, vector];
    }),
  );
}

async function run(session: InferenceSession, graph: DescribedGraph, given: Vectors): Promise<Vectors> {
  const feeds = graph.inputs.map(({ name, dims }) => {
    const sizes = dims.map(Number);
    if (given[name]?.length !== sizeOf(sizes)) throw new Error(`${name} holds ${sizeOf(sizes)} values`);
    return [name, new Tensor('float32', given[name], sizes)] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, results[name]!.data as Float32Array]));
}
