import { formatPercent } from '../../core/cli/format.ts';
import type { AblationResults } from './results.ts';

/** What the reference recipe reports, and for what. */
export const REFERENCE = {
  model: 'resnet50',
  dataset: 'cifar100',
  trainImages: 50_000,
  epochs: 200,
  top1: 0.8321,
  top5: 0.9621,
} as const;

type Trained = Pick<AblationResults, 'model' | 'dataset' | 'trainImages' | 'epochs' | 'config'>;

/** In what the runs differ from the reference's; empty if in nothing that is known of it. */
export function referenceDifferences({ model, dataset, trainImages, epochs, config }: Trained): string[] {
  const differences: string[] = [];
  if (dataset !== REFERENCE.dataset) differences.push(`dataset ${dataset} instead of ${REFERENCE.dataset}`);
  if (model !== REFERENCE.model) differences.push(`model ${model} instead of ${REFERENCE.model}`);
  if (epochs !== REFERENCE.epochs) differences.push(`${epochs} epochs instead of ${REFERENCE.epochs}`);
  if (dataset === REFERENCE.dataset && trainImages !== REFERENCE.trainImages) {
    differences.push(`${trainImages} training images instead of ${REFERENCE.trainImages}`);
  }
  if (config.lrPerEpoch !== true) differences.push('a learning rate not set once an epoch');
  return differences;
}

/** Sentences that keep a reader from taking the table for more than it is. */
export function honestLabel(results: Trained): string[] {
  const { dataset, trainImages, epochs, model, config } = results;
  const lines = [
    `${model} trained on ${trainImages} images of ${dataset} for ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'} a run.`,
  ];
  if (dataset === 'synthetic') {
    lines.push('The images of synthetic are drawn by code; accuracy on them says nothing about CIFAR-100.');
  }
  const replicas = Number(config.replicas ?? 1);
  const parts = replicas * Number(config.accumulate ?? 1);
  if (parts > 1) {
    const share = Number(config.batchSize) / parts;
    lines.push(`Batch norm sees ${share} images of a batch of ${config.batchSize} at a time.`);
  }
  const reports = `The reference, ResNet-50 trained for ${REFERENCE.epochs} epochs on CIFAR-100, reports ${formatPercent(REFERENCE.top1)} top-1 and ${formatPercent(REFERENCE.top5)} top-5`;
  const differences = referenceDifferences(results);
  lines.push(
    differences.length === 0
      ? `${reports}; dataset, model and epochs are the same here, other settings may not be.`
      : `${reports}. These numbers are not to be compared with it: ${differences.join(', ')}.`,
  );
  return lines;
}
