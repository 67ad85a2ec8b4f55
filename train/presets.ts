/** A recipe by name: values for options of `npm run train`, keys as {@link parseOptions} gives them. */
type Preset = Readonly<Record<string, string | number | boolean>>;

/**
 * `fast`: the most accuracy an hour of two CPU cores gives. A net with little work at full resolution; small
 * images for 60 % of the epochs, which cost a quarter and a half (progressive resizing, as in fast.ai's
 * DAWNBench entries and Tan & Le 2021, arXiv:2104.00298); a high peak of the learning rate that one cycle brings
 * to zero (Smith & Topin 2018, arXiv:1708.07120) while the images are whole; Nesterov momentum.
 *
 * `reference`: ResNet-50 as PyTorch scripts train it, 83.2 % top-1 after 200 epochs; for a GPU.
 */
export const PRESETS: Readonly<Record<string, Preset>> = {
  fast: {
    model: 'resnet14t',
    epochs: 36,
    batchSize: 128,
    lr: 0.2,
    nesterov: true,
    weightDecay: 5e-4,
    schedule: 'onecycle',
    warmupFraction: 0.15,
    progressive: '16:0.3,24:0.6',
  },
  reference: {
    model: 'resnet50',
    epochs: 200,
    batchSize: 128,
    optim: 'sgd',
    lr: 0.1,
    momentum: 0.9,
    schedule: 'onecycle',
    lrPerEpoch: true,
    augment: 'autoaugment',
    beta: 1,
    cutmixProb: 0.5,
  },
};

export const PRESET_CLI_OPTION = {
  preset: {
    type: 'string',
    value: 'NAME',
    help: 'a whole recipe, whose options may still be given: fast for CPUs, reference for ResNet-50 on a GPU',
    choices: Object.keys(PRESETS),
  },
} as const;

/**
 * Fills in what the preset says and the command line does not; both count as given.
 * @param options parsed options, changed in place
 */
export function applyPreset(
  options: Record<string, unknown> & { preset?: string | undefined },
  given: Set<string>,
): void {
  if (options.preset === undefined) return;
  for (const [key, value] of Object.entries(PRESETS[options.preset]!)) {
    if (given.has(key)) continue;
    options[key] = value;
    given.add(key);
  }
}
