/** Measures the server beside onnxruntime alone and beside other servers, by turns, and prints a table. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { loadDataset } from '../../core/data/load.ts';
import { findModelFile, loadServedModel } from '../../serve/model-file.ts';
import { RawRuntime, type ServerProcess, startServerProcess } from './child.ts';
import { chooseBatch, measureServe, type ServeContestants } from './measure.ts';
import { serveTable } from './table.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'bench:serve',
      summary: 'Measures the server beside onnxruntime alone and beside other servers, by turns in one run.',
      options: {
        model: { type: 'string', value: 'FILE|NAME', help: 'the model (left out: the embedded one)' },
        data: {
          type: 'string',
          value: 'DIR',
          help: 'where the test data is; else CIFAR100_DIR, else ./data',
        },
        images: { type: 'integer', help: 'test images a turn', default: 10_000, min: 64 },
        rounds: { type: 'integer', help: 'turns that each gets', default: 5, min: 1 },
        python: {
          type: 'string',
          value: 'FILE',
          help: 'a Python with fastapi, uvicorn and onnxruntime, for that peer',
        },
      },
    },
    process.argv.slice(2),
  );
  const model = await loadServedModel(await findModelFile(options.model));
  const { inputHeight, inputWidth, mean, std } = model.metadata;
  const dataset = await loadDataset({
    dataset: 'cifar100',
    dir: options.data,
    imageSize: inputHeight,
    normalization: { mean, std },
    splits: ['test'],
  });
  const started: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(it: T): T => {
    started.push(it);
    return it;
  };
  try {
    const raw = keep(await RawRuntime.start(model.path, availableParallelism(), inputHeight, inputWidth));
    const batch = await chooseBatch(raw);
    const tsx = ['--import', 'tsx'];
    const peerArgs = [model.path, JSON.stringify(mean), JSON.stringify(std)];
    const ours = keep(
      await startServerProcess(process.execPath, [
        ...tsx,
        file('../../serve/cli.ts'),
        ...['--model', model.path, '--port', '0', '--max-batch', String(batch), '--log-level', 'error'],
      ]),
    );
    const peers: [string, ServerProcess][] = [
      [
        'Express + session.run',
        keep(
          await startServerProcess(process.execPath, [
            ...tsx,
            file('./peers/express-server.ts'),
            ...peerArgs,
          ]),
        ),
      ],
    ];
    if (options.python !== undefined) {
      const script = file('./peers/fastapi_server.py');
      peers.push([
        'FastAPI + onnxruntime',
        keep(await startServerProcess(options.python, [script, ...peerArgs])),
      ]);
    }
    const contestants: ServeContestants = { raw, ours, peers, dataset, metadata: model.metadata, batch };
    const results = await measureServe(contestants, options.images, options.rounds);
    process.stdout.write(serveTable(results));
  } finally {
    for (const it of started) await it.stop();
  }
});
