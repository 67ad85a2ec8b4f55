/** Calls that a worker answers, by name. */
export type CallTable = Record<string, { params: unknown; result: unknown; progress: unknown }>;

/** Page to worker. */
export type ToWorker =
  | { id: number; call: string; params: unknown }
  /** To a call under way. */
  | { id: number; control: 'cancel' | 'pause' | 'resume' };

/** Worker to page. */
export type FromWorker =
  | { id: number; type: 'progress'; value: unknown }
  | { id: number; type: 'result'; value: unknown }
  /** `mendable`: a UserError, whose message is meant for the reader. */
  | { id: number; type: 'error'; message: string; mendable: boolean; aborted: boolean };
