import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { givenSettings, settingOptions } from '../../train/recipe/command-line.ts';
import { makeConfig, type SettledRecipe, settle } from '../../train/recipe/make-config.ts';
import { type Recipe, TRAINING } from '../../train/recipe/settings.ts';
import { DATASET, initialModel } from './support/tiny-run.ts';

const command = {
  name: 'train',
  summary: 'Trains.',
  options: settingOptions(TRAINING),
} as const;

/** What the words of a command line say. */
function given(line: string): Recipe {
  const parsed = parseOptions(command, line.split(' ').filter(Boolean));
  return givenSettings(parsed.options, parsed.given);
}

function pick<K extends keyof SettledRecipe>(settings: SettledRecipe, ...keys: K[]): Pick<SettledRecipe, K> {
  return Object.fromEntries(keys.map((key) => [key, settings[key]])) as Pick<SettledRecipe, K>;
}

function optimizer(line: string) {
  return pick(
    settle(given(line)),
    ...(['optimizer', 'learningRate', 'momentum', 'nesterov', 'weightDecay'] as const),
    ...(['noBiasDecay', 'clipNorm', 'emaDecay'] as const),
  );
}

function schedule(line: string, epochs = 10) {
  return pick(
    settle({ epochs, ...given(line) }),
    ...(['schedule', 'warmupFraction', 'lrPerEpoch', 'cycleMomentum', 'milestones', 'gamma'] as const),
  );
}

function refuses(read: () => unknown, message: RegExp): void {
  assert.throws(read, (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

describe('class weights', () => {
  const weights = (text: string) =>
    givenSettings({ classWeights: text }, new Set(['classWeights'])).classWeights;

  it('are balanced, a number a class, or numbers by name', () => {
    assert.equal(weights('balanced'), 'balanced');
    assert.deepEqual(weights('1,0.5,2'), [1, 0.5, 2]);
    assert.deepEqual(weights('cat=2,a=b=0.5,hot dog=0'), { cat: 2, 'a=b': 0.5, 'hot dog': 0 });
    for (const wrong of ['even', '1,', '1,-2', 'cat=', 'cat=x', 'cat=1,dog', ''])
      refuses(() => weights(wrong), /^--class-weights takes balanced, a number a class, or NAME=W/);
  });

  it('go with the classes of the dataset', () => {
    const graph = initialModel();
    const config = (classWeights: Recipe['classWeights']) =>
      makeConfig({ model: 'resnet20', batchSize: 16, classWeights }, graph, DATASET).classWeights;
    const [first, second] = DATASET.labels as [string, string];
    const each = DATASET.labels.map((_, i) => i % 3);
    for (const good of ['balanced', each, { [first]: 0, [second]: 3 }] as const)
      assert.deepEqual(config(good as Recipe['classWeights']), good);
    refuses(() => config([1, 2]), /has 2 numbers for 100 classes; give one a class, or NAME=W of some$/);
    refuses(
      () => config({ [`${first}x`]: 1 }),
      new RegExp(`no class "${first}x"; did you mean ${first}\\?$`),
    );
    refuses(() => config({ zzzzzzzz: 1 }), /no class "zzzzzzzz"; there are /);
    refuses(() => config(each.map(() => 0)), /some class must count/);
  });
});

it('no more epochs are plain than there are', () => {
  const graph = initialModel();
  const config = (plainEpochs: number) =>
    makeConfig({ model: 'resnet20', batchSize: 16, epochs: 3, plainEpochs }, graph, DATASET).plainEpochs;
  assert.equal(config(3), 3);
  refuses(() => config(4), /^--plain-epochs 4 is more than the 3 epochs of the run$/);
});

describe('optimiser options', () => {
  it('without any give SGD as recipes have it', () => {
    assert.deepEqual(optimizer(''), {
      optimizer: 'sgd',
      learningRate: 0.1,
      momentum: 0.9,
      nesterov: false,
      weightDecay: 5e-4,
      noBiasDecay: false,
      clipNorm: 0,
      emaDecay: 0,
    });
  });

  const defaults: [name: string, learningRate: number, weightDecay: number][] = [
    ['sgd', 0.1, 5e-4],
    ['adam', 0.001, 0],
    ['adamw', 0.001, 0.01],
  ];
  for (const [name, learningRate, weightDecay] of defaults) {
    it(`rate and weight decay of ${name} are its own where they are not given`, () => {
      const settings = optimizer(`--optim ${name}`);
      assert.deepEqual([settings.learningRate, settings.weightDecay], [learningRate, weightDecay]);
      const given = optimizer(`--optim ${name} --lr 0.25 --weight-decay 0.125`);
      assert.deepEqual([given.learningRate, given.weightDecay], [0.25, 0.125]);
    });

    it(`a rate and a weight decay of zero are not taken for missing ones with ${name}`, () => {
      const settings = optimizer(`--optim ${name} --lr 0 --weight-decay 0`);
      assert.deepEqual([settings.learningRate, settings.weightDecay], [0, 0]);
    });
  }

  it('all end up in the settings', () => {
    const line =
      '--optim sgd --momentum 0.5 --nesterov --no-bias-decay --clip-norm 2 --ema 0.99 --lr 1 --weight-decay 3';
    assert.deepEqual(optimizer(line), {
      optimizer: 'sgd',
      learningRate: 1,
      momentum: 0.5,
      nesterov: true,
      weightDecay: 3,
      noBiasDecay: true,
      clipNorm: 2,
      emaDecay: 0.99,
    });
  });

  it('--no-bias-decay, --clip-norm and --ema go with any optimiser', () => {
    for (const name of ['adam', 'adamw']) {
      const settings = optimizer(`--optim ${name} --no-bias-decay --clip-norm 1 --ema 0.9`);
      const { noBiasDecay, clipNorm, emaDecay } = settings;
      assert.deepEqual(
        { noBiasDecay, clipNorm, emaDecay },
        { noBiasDecay: true, clipNorm: 1, emaDecay: 0.9 },
      );
    }
  });

  const refused: [line: string, message: RegExp][] = [
    ['--optim adam --nesterov', /--nesterov are options of sgd.*--optim adam$/],
    ['--optim adamw --nesterov', /--nesterov are options of sgd.*--optim adamw$/],
    ['--optim adam --momentum 0.8', /--momentum .* of sgd/],
    // Also where the value is the default: it was meant for something.
    ['--optim adamw --momentum 0.9', /--momentum .* of sgd/],
    ['--nesterov --momentum 0', /--nesterov needs a --momentum above 0/],
    ['--optim lamb', /--optim is sgd, adam, adamw, not "lamb"/],
    ['--momentum 1.5', /--momentum must be at most 1/],
    ['--ema 1', /--ema must be at most 0\.999999/],
    ['--ema -0.5', /--ema must be at least 0/],
    ['--clip-norm -1', /--clip-norm must be at least 0/],
    ['--weight-decay -0.1', /--weight-decay must be at least 0/],
    ['--lr fast', /--lr takes a number, not "fast"/],
    ['--lr -0.1', /--lr must be at least 0/],
    ['--epochs 0', /--epochs must be at least 1/],
    ['--batch-size 0.5', /--batch-size takes a whole number/],
  ];
  for (const [line, message] of refused) {
    it(`refuse ${line}`, () => refuses(() => optimizer(line), message));
  }

  it('momentum is no mistake with adam where it was not given', () => {
    assert.equal(optimizer('--optim adam').momentum, 0.9);
    assert.equal(optimizer('--momentum 0').momentum, 0);
  });
});

describe('schedule options', () => {
  it('without any give one-cycle, a rate a step', () => {
    assert.deepEqual(schedule(''), {
      schedule: 'onecycle',
      warmupFraction: 0.1,
      lrPerEpoch: false,
      cycleMomentum: false,
      milestones: [5, 7],
      gamma: 0.1,
    });
  });

  it('multistep lowers the rate at a half and three quarters of the run, or where it is told to', () => {
    assert.deepEqual(schedule('--schedule multistep', 200).milestones, [100, 150]);
    assert.deepEqual(
      schedule('--schedule multistep --milestones 60,120,160', 200).milestones,
      [60, 120, 160],
    );
    assert.deepEqual(schedule('--schedule multistep --milestones 3').milestones, [3]);
    assert.deepEqual(schedule('--schedule multistep --milestones 0,10').milestones, [0, 10]);
    assert.equal(schedule('--schedule multistep --gamma 0.2').gamma, 0.2);
  });

  it('a run too short for two milestones lowers the rate once or not at all', () => {
    const milestones = [1, 2, 3, 4].map((epochs) => schedule('--schedule multistep', epochs).milestones);
    assert.deepEqual(milestones, [[], [1], [1, 2], [2, 3]]);
  });

  it('all end up in the settings', () => {
    for (const name of ['onecycle', 'cosine', 'constant', 'multistep']) {
      const settings = schedule(`--schedule ${name} --warmup-fraction 0.3 --lr-per-epoch`);
      const { schedule: kind, warmupFraction, lrPerEpoch } = settings;
      assert.deepEqual([kind, warmupFraction, lrPerEpoch], [name, 0.3, true]);
    }
  });

  it('the momentum moves only where it is asked to', () => {
    assert.equal(schedule('--cycle-momentum').cycleMomentum, true);
  });

  const refused: [line: string, message: RegExp][] = [
    [
      '--schedule cosine --cycle-momentum',
      /--cycle-momentum is an option of --schedule onecycle, not of cosine/,
    ],
    ['--milestones 5,7', /--milestones and --gamma are options of --schedule multistep, not of onecycle/],
    ['--schedule cosine --milestones 5', /of --schedule multistep, not of cosine/],
    ['--schedule constant --gamma 0.5', /of --schedule multistep, not of constant/],
    ['--gamma 0.1', /of --schedule multistep, not of onecycle/],
    ['--schedule multistep --milestones 7,5', /rising epochs.*"7,5"/],
    ['--schedule multistep --milestones 5,5', /rising epochs.*"5,5"/],
    ['--schedule multistep --milestones 2.5', /rising epochs.*"2\.5"/],
    ['--schedule multistep --milestones=-1,3', /rising epochs.*"-1,3"/],
    ['--schedule multistep --milestones 5;7', /rising epochs.*"5;7"/],
    ['--schedule multistep --milestones 3,', /rising epochs.*"3,"/],
    ['--schedule multistep --milestones ,3', /rising epochs.*",3"/],
    ['--schedule step', /--schedule is onecycle, cosine, multistep, constant, not "step"/],
    ['--warmup-fraction 1.5', /--warmup-fraction must be at most 1/],
    ['--schedule multistep --gamma 2', /--gamma must be at most 1/],
  ];
  for (const [line, message] of refused) {
    it(`refuse ${line}`, () => refuses(() => schedule(line), message));
  }
});
