import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HelpRequested, parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';

const COMMAND = {
  name: 'demo',
  summary: 'Does a thing.',
  options: {
    model: {
      type: 'string',
      value: 'NAME',
      elsewhere: ['net'],
      help: 'the model',
      choices: ['resnet18', 'resnet20'],
      otherwise: 'bring your own',
    },
    out: { type: 'string', value: 'FILE', help: 'the file', default: 'out.onnx' },
    epochs: { type: 'integer', help: 'how long', default: 30, min: 1, max: 1000 },
    lr: { type: 'number', elsewhere: ['learning-rate'], help: 'the rate', default: 0.1, min: 0 },
    offset: { type: 'number', help: 'any number' },
    flip: { type: 'boolean', help: 'mirror images', default: true },
    'log-every-step': { type: 'boolean', help: 'say more', default: false },
  },
} as const;

const parse = (...argv: string[]) => parseOptions(COMMAND, argv);

function refuses(argv: string[], message: RegExp): void {
  assert.throws(
    () => parse(...argv),
    (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'), error.message);
      return true;
    },
  );
}

describe('options', () => {
  it('have their defaults, in camelCase', () => {
    const { options, positionals, given } = parse();
    assert.deepEqual(options, {
      model: undefined,
      out: 'out.onnx',
      epochs: 30,
      lr: 0.1,
      offset: undefined,
      flip: true,
      logEveryStep: false,
    });
    assert.deepEqual([positionals, [...given]], [[], []]);
  });

  it('are converted to their types, with a space or an equals sign', () => {
    const { options, given } = parse('--model', 'resnet20', '--epochs=7', '--lr', '1e-3', '--log-every-step');
    assert.deepEqual(options, {
      model: 'resnet20',
      out: 'out.onnx',
      epochs: 7,
      lr: 0.001,
      offset: undefined,
      flip: true,
      logEveryStep: true,
    });
    assert.deepEqual([...given].sort(), ['epochs', 'logEveryStep', 'lr', 'model']);
  });

  it('that are given at their default count as given', () => {
    assert.deepEqual([...parse('--epochs', '30', '--flip').given].sort(), ['epochs', 'flip']);
  });

  it('of the boolean kind can be negated', () => {
    const { options, given } = parse('--no-flip', '--no-log-every-step');
    assert.deepEqual([options.flip, options.logEveryStep], [false, false]);
    assert.deepEqual([...given].sort(), ['flip', 'logEveryStep']);
    assert.equal(parse('--flip').options.flip, true);
  });

  it('take negative numbers', () => {
    assert.equal(parse('--offset', '-1.5').options.offset, -1.5);
    assert.equal(parse('--offset', '-.5').options.offset, -0.5);
    assert.equal(parse('--offset=-2e3').options.offset, -2000);
    assert.equal(parse('--out', '-1.onnx').options.out, '-1.onnx');
  });

  it('given twice count the last time', () => {
    assert.equal(parse('--epochs', '3', '--epochs', '4').options.epochs, 4);
  });

  it('leave positionals to commands that take them', () => {
    const { positionals, options } = parseOptions({ ...COMMAND, positionals: 'FILE...' }, [
      'a.png',
      '--epochs',
      '2',
      'b.png',
      '--',
      '--c.png',
    ]);
    assert.deepEqual(positionals, ['a.png', 'b.png', '--c.png']);
    assert.equal(options.epochs, 2);
    refuses(['a.png'], /Unexpected argument 'a\.png'.*; see npm run demo -- --help$/);
  });
});

describe('options are refused', () => {
  const cases: [string[], RegExp][] = [
    [['--epoch', '3'], /^there is no option --epoch; did you mean --epochs\?$/],
    [['--epcohs=3'], /^there is no option --epcohs; did you mean --epochs\?$/],
    [['-model', 'resnet18'], /^there is no option -model; did you mean --model\?$/],
    [['--net', 'resnet18'], /^there is no option --net; did you mean --model\?$/],
    [['--learning-rate', '1'], /^there is no option --learning-rate; did you mean --lr\?$/],
    [['-x'], /^there is no option -x; see npm run demo -- --help$/],
    [['--no-lr'], /^there is no option --no-lr; see npm run demo/],
    [['--unlike'], /^there is no option --unlike; see npm run demo/],
    [['--epochs'], /'--epochs <value>' argument missing/],
    [['--model', '--epochs'], /'--model' argument is ambiguous; see npm run demo/],
    [['--flip=yes'], /'--flip' does not take an argument/],
    [['--epochs', '0'], /^--epochs must be at least 1$/],
    [['--epochs', '-4'], /^--epochs must be at least 1$/],
    [['--epochs', '1001'], /^--epochs must be at most 1000$/],
    [['--epochs', '2.5'], /^--epochs takes a whole number, not "2\.5"$/],
    [['--epochs', '1e300'], /^--epochs takes a whole number/],
    [['--epochs', 'many'], /^--epochs takes a whole number, not "many"$/],
    [['--epochs='], /^--epochs takes a whole number, not ""$/],
    [['--lr', '-0.1'], /^--lr must be at least 0$/],
    [['--lr', '0.1x'], /^--lr takes a number, not "0\.1x"$/],
    [['--lr', 'NaN'], /^--lr takes a number/],
    [['--lr', 'Infinity'], /^--lr takes a number/],
    [['--lr', '1e999'], /^--lr takes a number/],
    [['--lr', ' '], /^--lr takes a number/],
    [['--model', 'vgg16'], /^--model is resnet18, resnet20, not "vgg16"; bring your own$/],
    [['--model', 'resnet81'], /^--model is resnet18, resnet20, not "resnet81"; did you mean resnet18\?$/],
    [['--model', 'res'], /"res"; did you mean resnet18\?$/],
    [['--epo', '3'], /^there is no option --epo; did you mean --epochs\?$/],
    [['--out='], /^--out needs a value$/],
  ];
  for (const [argv, message] of cases) it(argv.join(' '), () => refuses(argv, message));
});

describe('options that npm took, for no -- stood before them', () => {
  const swallow = (variables: Record<string, string>, argv: string[], event = 'demo') => {
    const set = { npm_lifecycle_event: event, ...variables };
    Object.assign(process.env, set);
    try {
      return parse(...argv);
    } finally {
      for (const name of Object.keys(set)) delete process.env[name];
    }
  };

  it('are named, with the line that was meant', () => {
    const variables = { npm_config_epochs: '3', npm_config_flip: '', npm_config_log_every_step: 'true' };
    assert.throws(() => swallow(variables, []), {
      name: 'UserError',
      message:
        'npm took --epochs, --no-flip, --log-every-step for its own; write -- before the options: npm run demo -- --epochs 3 --no-flip --log-every-step',
    });
    // Its value came as an argument, which nobody knows for one.
    assert.throws(() => swallow({ npm_config_model: 'true' }, ['resnet20']), {
      name: 'UserError',
      message: /: npm run demo -- --model NAME$/,
    });
  });

  it('are those of the command that npm runs, and none of npm', () => {
    assert.equal(swallow({ npm_config_epochs: '3' }, [], 'test').options.epochs, 30);
    assert.equal(swallow({ npm_config_fund: '', npm_config_cache: '/tmp' }, []).options.epochs, 30);
  });

  it('are seen in what npm really does', { skip: npmIsThere() ? false : 'needs npm on the PATH' }, () => {
    const { status, stderr } = spawnSync('npm', ['run', 'runs', '--sort=name'], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stderr, /error: npm took --sort for its own; .*: npm run runs -- --sort name$/m);
  });
});

function npmIsThere(): boolean {
  return spawnSync('npm', ['--version']).status === 0;
}

describe('--help', () => {
  it('names every option with its default', () => {
    for (const flag of ['--help', '-h']) {
      assert.throws(
        () => parse('--epochs', 'x', flag),
        (error) => {
          assert.ok(error instanceof HelpRequested);
          assert.equal(
            error.message,
            [
              'Does a thing.',
              '',
              'Usage: npm run demo -- [options]',
              '',
              '  --model NAME      the model (one of resnet18, resnet20)',
              '  --out FILE        the file (default out.onnx)',
              '  --epochs N        how long (default 30)',
              '  --lr N            the rate (default 0.1)',
              '  --offset N        any number',
              '  --[no-]flip       mirror images (default true)',
              '  --log-every-step  say more (default false)',
              '  --help            this text',
            ].join('\n'),
          );
          return true;
        },
      );
    }
  });
});

describe('a command line', () => {
  const script = fileURLToPath(new URL('print-options.ts', import.meta.url));
  const run = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, ['--import', 'tsx', script, ...args], (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      });
    });

  it('that succeeds exits with 0', async () => {
    assert.deepEqual(await run('--size', '5'), { code: 0, stdout: '{"size":5}\n', stderr: '' });
  });

  it('prints its help and exits with 0', async () => {
    const { code, stdout, stderr } = await run('--help');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Prints its options\.\n\nUsage: npm run print-options -- \[options\]\n/);
  });

  it('answers a mistake with one line and exit code 1', async () => {
    const size = await run('--size', '0');
    assert.deepEqual(size, { code: 1, stdout: '', stderr: 'error: --size must be at least 1\n' });
    const user = await run('--fail', 'user');
    assert.deepEqual(user, { code: 1, stdout: '', stderr: 'error: the size is wrong; give another\n' });
  });

  it('keeps the stack of a bug, and exits with 1', async () => {
    const { code, stdout, stderr } = await run('--fail', 'bug');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^TypeError: our own mistake\n +at .*print-options\.ts/);
    const text = await run('--fail', 'text');
    assert.deepEqual(text, { code: 1, stdout: '', stderr: 'a bare text\n' });
  });
});
