import cluster from 'node:cluster';
import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { watchSignals } from '../core/cli/signals.ts';
import { errorMessage } from '../core/errors.ts';
import { SERVE_OPTIONS, toServerOptions } from './options.ts';
import type { RunningServer } from './server.ts';

/** Longer than requests under way are waited for, and then threads that run a model. */
const STOP_SECONDS = 65;

/** Tells the processes of `--processes` which file the model of `--run` is. */
const RUN_MODEL = 'ONNX_CLASSIFIER_RUN_MODEL';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'serve',
      summary: 'Serves ONNX classifiers over HTTP; GET /docs describes the endpoints.',
      options: SERVE_OPTIONS,
    },
    process.argv.slice(2),
  );
  const serverOptions = await toServerOptions(options);
  if (options.run !== undefined) {
    if (cluster.isPrimary) {
      const { modelOfRun } = await import('./run-model.ts');
      const path = await modelOfRun(options.run, (line) => process.stdout.write(`${line}\n`));
      // Several processes serve what the first of them found, whatever is trained meanwhile.
      process.env[RUN_MODEL] = path;
    }
    serverOptions.models = [process.env[RUN_MODEL]!, ...options.model];
  }
  if (cluster.isWorker) {
    const { runClusterWorker } = await import('./processes/cluster-worker.ts');
    await runClusterWorker(serverOptions, options.processes);
    return;
  }
  const stopSeconds = options.drainSeconds + STOP_SECONDS;
  let server: { close(): Promise<void> } | undefined;
  const starting = new AbortController();
  // Before it starts: as a container's first process it has no other answer to a signal meanwhile.
  watchSignals(() => {
    process.stdout.write('stopping: finishing the requests under way\n');
    starting.abort();
    // Whatever hangs. Not exit, which waits for threads.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), (stopSeconds + 10) * 1000).unref();
    void server?.close().then(() => process.exit(0));
  });
  const { signal } = starting;
  try {
    server = options.processes > 1 ? await startSeveral() : await startOne();
  } catch (error) {
    if (signal.aborted) process.exit(0);
    throw error;
  }

  async function startSeveral(): Promise<{ close(): Promise<void> }> {
    const { startProcesses } = await import('./processes/start-processes.ts');
    return startProcesses({
      count: options.processes,
      silenceSeconds: options.silenceTimeout,
      stopSeconds,
      onHelpless: giveUp,
      signal,
    });
  }

  async function startOne(): Promise<RunningServer> {
    const [{ startServer }, { startupText }] = await Promise.all([
      import('./server.ts'),
      import('./server.ts'),
    ]);
    const one = await startServer({ ...serverOptions, signal });
    process.stdout.write(startupText(one));
    if (serverOptions.tls) {
      const { httpsLines } = await import('./http/https.ts');
      for (const line of httpsLines(serverOptions.tls, one.url)) process.stdout.write(`https    ${line}\n`);
    }
    return one;
  }

  function giveUp(reason: unknown): void {
    process.stderr.write(`error: ${errorMessage(reason)}\n`);
    process.exit(1);
  }
});
