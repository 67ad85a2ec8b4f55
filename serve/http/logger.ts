import pino, { type Logger } from 'pino';

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/**
 * A logger of JSON lines on stderr, written a few at a time: a synchronous write for each request would hold
 * up all others.
 * @returns the logger, and how to write what it still holds
 */
export function createLogger(level: LogLevel): { logger: Logger; flush: () => void } {
  const destination = pino.destination({ fd: 2, sync: false, minLength: 4096, periodicFlush: 500 });
  const logger = pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  );
  return {
    logger,
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // Nothing was ever written, or stderr is closed.
      }
    },
  };
}

export type { Logger };
