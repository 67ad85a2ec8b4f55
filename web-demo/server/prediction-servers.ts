import { randomUUID } from 'node:crypto';
import { type RunningServer, startServer } from '../../serve/server.ts';

/**
 * The inference server behind the page's comparison: started with the first question about a model, and
 * replaced when another model is asked about, so that only one is in memory.
 */
export class PredictionServers {
  /** Nobody but this process knows it: not even a page whose name means this machine may ask there. */
  readonly apiKey: string = randomUUID();
  #current: { key: string; server: Promise<RunningServer> } | undefined;

  /**
   * The address of a server of that model, without a trailing slash.
   * @param file the model's file
   * @param version changes when the file does
   * @throws UserError if the server cannot load it
   */
  async addressFor(file: string, version: string): Promise<string> {
    const key = `${file}\n${version}`;
    if (this.#current?.key !== key) {
      const previous = this.#current;
      const server = startServer({
        model: file,
        port: 0,
        host: '127.0.0.1',
        demoDirectory: false,
        access: { apiKey: this.apiKey },
        // Its JSON file may change alone.
        reloadSeconds: 2,
        inference: { workers: 1 },
      });
      this.#current = { key, server };
      void previous?.server.then((running) => running.close()).catch(() => undefined);
      // One that did not start must not be asked again.
      server.catch(() => {
        if (this.#current?.key === key) this.#current = undefined;
      });
    }
    return (await this.#current.server).url;
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.server.then((running) => running.close()).catch(() => undefined);
  }
}
