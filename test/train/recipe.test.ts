import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { OptionTable } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { flagOf, settingOptions } from '../../train/recipe/command-line.ts';
import { makeConfig } from '../../train/recipe/make-config.ts';
import { parseRecipe, parseTrainConfig } from '../../train/recipe/parse.ts';
import { namedRecipe, PRESETS, readRecipe } from '../../train/recipe/recipe-file.ts';
import { DEFAULTS, type Recipe, SETTINGS, type TrainConfig } from '../../train/recipe/settings.ts';
import { learningRateAt } from '../../train/schedule/schedule.ts';
import { runConfig } from '../../train/trainer.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { CONFIG, DATASET } from './support/tiny-run.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(PROJECT, path), 'utf8');
const folder = await temporaryFolder();

/** The run that a recipe makes of CIFAR-100. */
function configOf(recipe: Recipe): TrainConfig {
  const model = buildModel(recipe.model!, { numClasses: 100, imageSize: 32 });
  const dataset = { ...DATASET, name: 'cifar100', train: { ...DATASET.train, count: 50_000 } };
  return makeConfig(recipe, model, dataset);
}

function refused(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n'), error.message);
    return true;
  };
}

it('every setting has a flag of its own, a help and on the command line its default', () => {
  const options = settingOptions(SETTINGS) as OptionTable;
  assert.equal(Object.keys(options).length, Object.keys(SETTINGS).length);
  for (const name of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
    const spec = options[flagOf(name)]!;
    assert.ok(spec.help.length > 5, name);
    const fallback = Array.isArray(DEFAULTS[name]) ? undefined : DEFAULTS[name];
    assert.equal(spec.default, fallback, name);
  }
  const { 'batch-size': batchSize, ema, optim, flip, lr } = options;
  assert.deepEqual(batchSize, { type: 'integer', help: 'images a step', default: 128, min: 1 });
  assert.deepEqual(
    [ema, optim, flip, lr].map((spec) => ({ ...spec, help: '', elsewhere: undefined })),
    [
      { type: 'number', help: '', value: 'DECAY', default: 0, min: 0, max: 0.999999, elsewhere: undefined },
      {
        type: 'string',
        help: '',
        value: 'NAME',
        default: 'sgd',
        choices: ['sgd', 'adam', 'adamw'],
        elsewhere: undefined,
      },
      { type: 'boolean', help: '', default: true, elsewhere: undefined },
      { type: 'number', help: '', min: 0, elsewhere: undefined },
    ],
  );
});

describe('the recipes of recipes/', () => {
  for (const [name, preset] of Object.entries(PRESETS)) {
    it(`${name} is the same as a file and as a preset`, async () => {
      assert.deepEqual(await readRecipe(join(PROJECT, 'recipes', `${name}.ts`)), preset);
      assert.deepEqual(await namedRecipe([], name), preset);
    });
  }

  it('reference is the recipe of the reference result', () => {
    const { model, epochs, batchSize, optimizer, learningRate, momentum, augment, cutmixProb, cutmixBeta } =
      configOf(PRESETS.reference);
    assert.deepEqual(
      [model, epochs, batchSize, optimizer, learningRate, momentum, augment, cutmixProb, cutmixBeta],
      ['resnet50', 200, 128, 'sgd', 0.1, 0.9, 'autoaugment', 0.5, 1],
    );
    assert.equal(configOf(PRESETS.reference).lrPerEpoch, true);
  });

  it('embedded makes the config of the run whose model is embedded', () => {
    const stored = JSON.parse(read('models/resnet14t.config.json')) as Record<string, unknown>;
    const trained = parseTrainConfig(stored, 'models/resnet14t.config.json');
    assert.deepEqual(configOf(PRESETS.embedded), { ...trained, labels: DATASET.labels });
    // Kept as it was written, but for what was not known of the data then.
    const { data, ...again } = runConfig({ ...trained, trainImages: 64 }, DATASET);
    assert.deepEqual({ ...again, trainImages: 50_000, normalization: stored.normalization }, stored);
    assert.ok(data);
  });

  for (const [preset, name] of [
    ['efficientnet-lite0', 'models/efficientnet-lite0-cifar100.first'],
    ['efficientnet-lite0-160', 'models/efficientnet-lite0-cifar100.second'],
    ['efficientnet-lite0-plain', 'models/efficientnet-lite0-cifar100'],
  ] as const) {
    it(`${preset} is how ${name} was trained`, () => {
      const stored = parseTrainConfig(
        JSON.parse(read(`${name}.config.json`)) as Record<string, unknown>,
        name,
      );
      const recipe: Recipe = PRESETS[preset];
      const defaults: Recipe = { headLr: 1 };
      for (const key of Object.keys(recipe) as (keyof Recipe & keyof typeof stored)[])
        assert.deepEqual(recipe[key], stored[key] ?? defaults[key], key);
      const steps = Math.floor(stored.trainImages / stored.batchSize);
      for (const line of read(`${name}.log.jsonl`).trim().split('\n')) {
        const { epoch, learningRate } = JSON.parse(line) as Record<string, number>;
        assert.equal(learningRateAt(stored, steps, steps * (epoch! + 1) - 1), learningRate);
      }
    });
  }

  const logs: [recipe: keyof typeof PRESETS, log: string, change: Recipe][] = [
    ['fast', 'docs/accuracy-per-hour/fast-36-epochs.jsonl', {}],
    ['quarter-hour', 'docs/accuracy-per-hour/quarter-hour.jsonl', {}],
    [
      'quarter-hour',
      'docs/accuracy-per-hour/quarter-hour-taught.jsonl',
      { teacher: 'efficientnet-lite0-cifar100' },
    ],
    ['hour', 'docs/accuracy-per-hour/hour.jsonl', {}],
    ['hour', 'docs/accuracy-per-hour/hour-taught-crop-2.jsonl', { teacher: 'efficientnet-lite0-cifar100' }],
    ['three-hours', 'docs/accuracy-per-hour/three-hours.jsonl', {}],
    ['fast', 'docs/accuracy-per-hour/fast-8-epochs.jsonl', { epochs: 8 }],
    ['fast', 'docs/accuracy-per-hour/fast-bf16-40-epochs.jsonl', { epochs: 40 }],
    ['fast', 'docs/accuracy-per-hour/whole-32-epochs.jsonl', { epochs: 32, progressive: [] }],
    ['embedded', 'models/resnet14t.log.jsonl', {}],
  ];
  for (const [recipe, log, change] of logs) {
    it(`${recipe} has the learning rates of the run in ${log}, and its file the result`, () => {
      const config = configOf({ ...PRESETS[recipe], ...change });
      const epochs = read(log)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number>);
      assert.equal(epochs.length, config.epochs);
      const steps = Math.floor(50_000 / config.batchSize);
      for (const { epoch, learningRate } of epochs) {
        assert.equal(learningRateAt(config, steps, steps * (epoch! + 1) - 1), learningRate);
      }
      if (Object.keys(change).length > 0) return;
      const { testTop1, testTop5 } = epochs.at(-1)!;
      const result = `${(100 * testTop1!).toFixed(2)} % top-1 (${(100 * testTop5!).toFixed(2)} % top-5)`;
      assert.ok(read(`recipes/${recipe}.ts`).includes(result), result);
    });
  }

  it('leave to the command line what it gives', () => {
    const config = configOf({ ...PRESETS.fast, epochs: 8, nesterov: false });
    assert.deepEqual([config.epochs, config.nesterov, config.learningRate], [8, false, 0.2]);
    assert.deepEqual(config.progressive.at(-1), { size: 24, until: 0.6 });
  });
});

describe('a recipe of a file', () => {
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  const forms: [name: string, text: string][] = [
    ['mine.ts', 'const epochs: number = 3;\nexport default { epochs, optimizer: "adam" as const };\n'],
    ['mine.mts', 'export default { epochs: 3, optimizer: "adam" };\n'],
    ['mine.js', 'export default { epochs: 3, optimizer: "adam" };\n'],
    ['mine.mjs', 'export default { epochs: 3, optimizer: "adam" };\n'],
    ['mine.json', '{ "epochs": 3, "optimizer": "adam" }'],
  ];
  for (const [name, text] of forms) {
    it(`is read from ${name}, where no package says what modules are`, async () => {
      assert.deepEqual(await readRecipe(await write(name, text)), { epochs: 3, optimizer: 'adam' });
    });
  }

  it('is read from a folder of ES modules, and from one of CommonJS', async () => {
    for (const type of ['module', 'commonjs']) {
      await mkdir(join(folder, type));
      await write(join(type, 'package.json'), JSON.stringify({ type }));
      const path = await write(join(type, 'a b.ts'), 'export default { crop: 2 };\n');
      assert.deepEqual(await readRecipe(path), { crop: 2 });
    }
    assert.deepEqual(await readRecipe(await write('c.js', 'module.exports = { crop: 2 };\n')), { crop: 2 });
  });

  const wrong: [name: string, text: string, message: RegExp][] = [
    ['key.json', '{"learningrate": 1}', /key\.json: there is no setting "learningrate"; /],
    ['flag.json', '{"lr": 1}', /flag\.json: there is no setting "lr"; it is learningRate here$/],
    ['flag2.json', '{"label-smoothing": 1}', /no setting "label-smoothing"; it is labelSmoothing here$/],
    ['value.json', '{"optimizer": "rmsprop"}', /optimizer is sgd, adam, adamw, not "rmsprop"$/],
    ['model.ts', 'export default { model: "vgg" }', /model\.ts: model is .*resnet20.*, not "vgg"$/],
    ['whole.json', '{"epochs": 2.5}', /epochs takes a whole number, not 2\.5$/],
    ['type.json', '{"epochs": "3"}', /epochs takes a number, not "3"$/],
    ['boolean.json', '{"flip": 1}', /flip takes true or false, not 1$/],
    ['low.json', '{"epochs": 0}', /epochs must be at least 1, not 0$/],
    ['high.json', '{"momentum": 2}', /momentum must be at most 1, not 2$/],
    ['nan.js', 'export default { learningRate: NaN }', /nan\.js: learningRate takes a number, not NaN$/],
    ['rise.json', '{"schedule":"multistep","milestones":[5,3]}', /milestones: the epochs rise, not \[5,3\]$/],
    ['weights.json', '{"classWeights": "even"}', /classWeights: balanced, a number .*, not "even"$/],
    ['weights2.json', '{"classWeights": {"cat": -1}}', /classWeights\.cat must be at least 0, not -1$/],
    ['jitter.json', '{"colorJitter": [0,0,0,1]}', /colorJitter: .*half a turn at most, not \[0,0,0,1\]$/],
    ['text.json', '{"progressive": "16:0.3"}', /progressive takes a list, not "16:0\.3"$/],
    ['size.json', '{"progressive": [{"size": 6, "until": 0.3}]}', /progressive\[0\]\.size: .*, not 6$/],
    ['stage.json', '{"progressive": [{"size": 16}]}', /progressive\[0\]\.until takes a number, not nothing$/],
    ['more.json', '{"progressive": [{"size":16,"until":0.3,"x":1}]}', /no setting "progressive\[0\]\.x"/],
    [
      'both.json',
      '{"optimizer": "adam", "nesterov": true}',
      /both\.json: --momentum and --nesterov are .* sgd/,
    ],
    ['list.json', '[]', /list\.json has no recipe, which is an object/],
    ['none.ts', 'export const recipe = { epochs: 3 };', /none\.ts has no recipe/],
    ['broken.json', '{', /^cannot load .*broken\.json: /],
    ['broken.ts', 'export default {', /^cannot load .*broken\.ts: /],
    ['throws.ts', 'throw new Error("two\\nlines")', /^cannot load .*throws\.ts: two lines$/],
    [
      'recipe.yaml',
      'epochs: 3',
      /a recipe is a \.ts, \.js or \.json file, not .*; by --preset there are fast, /,
    ],
  ];
  for (const [name, text, message] of wrong) {
    it(`is refused in one line: ${text}`, async () => {
      await assert.rejects(readRecipe(await write(name, text)), refused(message));
    });
  }

  it('is one, and there', async () => {
    await assert.rejects(readRecipe(join(folder, 'gone.ts')), refused(/^there is no recipe .*gone\.ts$/));
    await assert.rejects(readRecipe(folder), refused(/^a recipe is a /));
    for (const [files, preset] of [
      [['a.ts'], 'fast'],
      [['a.ts', 'b.ts'], undefined],
    ] as const) {
      await assert.rejects(namedRecipe(files, preset), refused(/one recipe at a time/));
    }
    assert.deepEqual(await namedRecipe([], undefined), {});
  });

  it('says nothing of what it does not say', () => {
    assert.deepEqual(parseRecipe({ epochs: 3 }, 'it'), { epochs: 3 });
  });
});

describe("a run's config.json", () => {
  it('is read back as the config it was written from, and says only what is on', () => {
    const configs: TrainConfig[] = [
      CONFIG,
      {
        ...{ ...CONFIG, precision: 'bf16', cycleMomentum: true, progressive: [{ size: 16, until: 0.5 }] },
        ...{
          freeze: ['layer1'],
          unfreezeAfter: 2,
          batchNorm: 'frozen',
          headLr: 10,
          lrDecay: 0.5,
          biasLr: 16,
          alternateFlip: true,
          from: 'resnet14t',
        },
        ...{ resizedCrop: 0.08, colorJitter: [0.4, 0.4], classWeights: { apple: 2 } },
      },
    ];
    const written = configs.map((config) => runConfig(config, DATASET));
    for (const [i, json] of written.entries()) {
      assert.deepEqual(parseTrainConfig(JSON.parse(JSON.stringify(json)), 'config.json'), configs[i]);
    }
    for (const key of [
      'precision',
      'progressive',
      'freeze',
      'batchNorm',
      'resizedCrop',
      'biasLr',
      'alternateFlip',
      'colorJitter',
      'classWeights',
    ]) {
      assert.deepEqual(
        written.map((json) => key in json),
        [false, true],
        key,
      );
    }
  });

  it('of the first trainer means what it meant', () => {
    const { model, dataset, trainImages, epochs, batchSize, learningRate, momentum, nesterov } = CONFIG;
    const { weightDecay, warmupFraction, labelSmoothing, crop, flip, seed, labels } = CONFIG;
    const first = {
      ...{
        model,
        dataset,
        trainImages,
        epochs,
        batchSize,
        optimizer: 'sgd',
        learningRate,
        momentum,
        nesterov,
      },
      ...{ weightDecay, schedule: 'onecycle', warmupFraction, labelSmoothing, crop, flip, seed },
      ...{ engine: 'ort', replicas: 2, labels },
    };
    const read = parseTrainConfig(first, 'config.json');
    assert.deepEqual(read, { ...CONFIG, replicas: 2 });
    assert.deepEqual([read.augment, read.cutmixBeta, read.accumulate, read.gamma], ['standard', 1, 1, 0.1]);
  });

  const wrong: [change: Record<string, unknown>, message: RegExp][] = [
    [{ optimizer: 'rmsprop' }, /^config\.json: optimizer is sgd, adam, adamw, not "rmsprop"$/],
    [{ schedule: 'linear' }, /^config\.json: schedule is onecycle, .*, not "linear"$/],
    [{ engine: 'jax' }, /^config\.json: engine is ort, tfjs, not "jax"$/],
    [{ precision: 'fp8' }, /precision is fp32, fp16, bf16, not "fp8"$/],
    [{ dropout: 0.5 }, /^config\.json: there is no setting "dropout"/],
    // Of the machine, so in no config.
    [{ provider: 'cuda' }, /there is no setting "provider"/],
    [{ momentum: '0.9' }, /momentum takes a number, not "0\.9"$/],
    [{ learningRate: null }, /learningRate takes a number, not null$/],
    [{ learningRate: -1 }, /learningRate must be at least 0, not -1$/],
    [{ labels: ['a', 1] }, /labels\[1\] takes a text, not 1$/],
    [{ replicas: 0 }, /replicas must be at least 1, not 0$/],
    [
      { seed: undefined, epochs: undefined },
      /^config\.json lacks epochs, seed; it is not a training config$/,
    ],
  ];
  for (const [change, message] of wrong) {
    it(`is refused with ${JSON.stringify(change)}`, () => {
      assert.throws(() => parseTrainConfig({ ...CONFIG, ...change }, 'config.json'), refused(message));
    });
  }
});
