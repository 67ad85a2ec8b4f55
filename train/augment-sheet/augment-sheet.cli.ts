import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { DATASET_CHOICES, type DatasetChoice, loadDataset } from '../../core/data/load.ts';
import { errorMessage, UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { givenSettings, settingOptions } from '../recipe/command-line.ts';
import { settle } from '../recipe/make-config.ts';
import { AUGMENTATION } from '../recipe/settings.ts';

const command = {
  name: 'augment-sheet',
  summary: 'Draws training images beside what the augmentation makes of them, as one PNG.',
  options: {
    dataset: { type: 'string', value: 'NAME', help: 'dataset', default: 'auto', choices: DATASET_CHOICES },
    data: { type: 'string', value: 'DIR', help: 'where the data is; else CIFAR100_DIR, else ./data' },
    ...settingOptions(AUGMENTATION),
    images: { type: 'integer', help: 'rows: training images', default: 8, min: 1, max: 100 },
    variants: { type: 'integer', help: 'augmented images beside each', default: 10, min: 1, max: 100 },
    scale: { type: 'integer', help: 'enlargement', default: 3, min: 1, max: 16 },
    seed: { type: 'integer', help: 'decides images and augmentation', default: 42, min: 0 },
    out: { type: 'string', value: 'FILE', help: 'the picture', default: 'augment-sheet.png' },
  },
} as const;

await runMain(async () => {
  const { options, given } = parseOptions(command, process.argv.slice(2));
  const augment = settle(givenSettings(options, given));
  const dataset = await loadDataset({
    dataset: options.dataset as DatasetChoice,
    ...(options.data === undefined ? {} : { dir: options.data }),
    splits: ['train'],
  });
  if (options.images > dataset.train.count) {
    throw new UserError(`${dataset.name} has ${dataset.train.count} training images; lower --images`);
  }
  const { images, variants, seed } = options;
  const { drawSheet } = await import('./sheet.ts');
  const canvas = drawSheet(dataset, { images, variants, seed, augment });
  try {
    await writeFileAtomic(options.out, await canvas.png(options.scale));
  } catch (error) {
    throw new UserError(`cannot write ${options.out}: ${errorMessage(error)}`);
  }
  process.stdout.write(
    `${options.out}: ${images} images of ${dataset.name}, each with ${variants} variants by ${augment.augment}\n`,
  );
});
