import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HelpRequested, parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';

const COMMAND = {
  name: 'demo',
  summary: 'Does a thing.',
  options: {
    model: { type: 'string', value: 'NAME', help: 'the model', choices: ['resnet18', 'resnet20'] },
    out: { type: 'string', value: 'FILE', help: 'the file', default: 'out.onnx' },
    epochs: { type: 'integer', help: 'how long', default: 30, min: 1, max: 1000 },
    lr: { type: 'number', help: 'the rate', default: 0.1, min: 0 },
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
    [['--epoch', '3'], /Unknown option '--epoch'; see npm run demo -- --help$/],
    [['-x'], /Unknown option '-x'/],
    [['--no-lr'], /Unknown option '--no-lr'/],
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
    [['--model', 'vgg'], /^--model is resnet18, resnet20, not "vgg"$/],
    [['--out='], /^--out needs a value$/],
  ];
  for (const [argv, message] of cases) it(argv.join(' '), () => refuses(argv, message));
});

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
