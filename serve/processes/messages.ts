/** From a server process to the one that started it. */
export type ToPrimary =
  | { type: 'serving'; text: string; url: string }
  | { type: 'failed'; reason: string }
  | { type: 'metrics-wanted'; id: number };

/** To a server process. */
export type ToWorker = { type: 'stop' } | { type: 'metrics'; id: number; text: string };
