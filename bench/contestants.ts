import { fileURLToPath } from 'node:url';
import { UserError } from '../core/errors.ts';
import type { ChildCommand } from './child-process.ts';

/** Something that trains or runs a net, to be compared with others. */
export interface Contestant {
  /** As it stands in the tables. */
  name: string;
  command: ChildCommand;
  /** What its process is told besides model, batch size and threads. */
  options: Record<string, unknown>;
  /** One that cannot run a net is left out of its table, and why is told. */
  isPeer?: boolean;
}

/** What of the peers is at hand. */
export interface Peers {
  /** A Python with PyTorch; undefined: none. */
  python?: string | undefined;
  /** Whether TensorFlow is set up. */
  tensorflow: boolean;
  /** Whether it can train in bfloat16 here. */
  bfloat16?: boolean;
  /** Also measure torch.compile, which takes minutes to start. */
  compile: boolean;
}

/**
 * Those whose names contain one of the texts; all if there are none.
 * @throws UserError if none does
 */
export function onlyNamed(
  contestants: readonly Contestant[],
  only: readonly string[] | undefined,
): readonly Contestant[] {
  if (!only) return contestants;
  const chosen = contestants.filter(({ name }) => only.some((text) => name.includes(text.trim())));
  if (chosen.length > 0) return chosen;
  const names = contestants.map(({ name }) => name).join('; ');
  throw new UserError(`--only ${only.join(',')} names none of what is measured: ${names}`);
}

/** The rows that ratios are told against. */
export const TORCH_FP32 = 'PyTorch fp32';
export const TORCH_BF16 = 'PyTorch bf16, channels-last';

/** A TypeScript file of bench/children or bench/peers as a process. */
export function script(path: string): ChildCommand {
  const file = fileURLToPath(new URL(path, import.meta.url));
  return { command: process.execPath, args: ['--import', import.meta.resolve('tsx'), file] };
}

/** All that can be compared here in training a net. */
export function trainContestants(peers: Peers): Contestant[] {
  const ours: Contestant[] = [
    { name: 'ours, `ort`', command: script('./children/train.ts'), options: { engine: 'ort' } },
  ];
  if (peers.tensorflow) {
    ours.push(
      { name: 'ours, `tfjs`', command: script('./children/train.ts'), options: { engine: 'tfjs' } },
      plainTfjs('train'),
    );
  }
  if (peers.bfloat16) {
    ours.splice(2, 0, {
      name: 'ours, `tfjs` bf16',
      command: script('./children/train.ts'),
      options: { engine: 'tfjs', precision: 'bf16' },
    });
  }
  return [...ours, ...torchContestants(peers, 'train')];
}

/** All that can be compared here in a forward pass. */
export function forwardContestants(peers: Peers): Contestant[] {
  const ours: Contestant[] = [
    { name: 'ours, fp32 export', command: script('./children/forward.ts'), options: { precision: 'fp32' } },
    { name: 'ours, int8 export', command: script('./children/forward.ts'), options: { precision: 'int8' } },
    {
      name: 'ours, int8 export, 7-bit weights',
      command: script('./children/forward.ts'),
      options: { precision: 'int7' },
    },
  ];
  if (peers.tensorflow) ours.push(plainTfjs('forward'));
  return [...ours, ...torchContestants(peers, 'forward')];
}

function plainTfjs(pass: 'train' | 'forward'): Contestant {
  return {
    name: 'plain tfjs-node',
    command: script('./peers/plain-tfjs.ts'),
    options: { pass },
    isPeer: true,
  };
}

function torchContestants({ python, compile }: Peers, pass: 'train' | 'forward'): Contestant[] {
  if (python === undefined) return [];
  const file = fileURLToPath(new URL('./peers/torch/child.py', import.meta.url));
  const peer = (name: string, precision: string, channelsLast: boolean, compiled = false): Contestant => ({
    name,
    command: { command: python, args: [file] },
    options: { pass, precision, channelsLast, compile: compiled },
    isPeer: true,
  });
  const peers = [
    peer(TORCH_FP32, 'fp32', false),
    peer('PyTorch fp32, channels-last', 'fp32', true),
    peer(TORCH_BF16, 'bf16', true),
  ];
  if (compile) peers.push(peer('PyTorch fp32, torch.compile', 'fp32', true, true));
  return peers;
}
