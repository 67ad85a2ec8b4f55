/** A refusal with its HTTP status; the message goes to the client, so it holds no path and no stack. */
export class HttpError extends Error {
  override name = 'HttpError';
  readonly status: number;
  /** Seconds after which it is worth trying again. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The service cannot answer now (loading, overloaded, restarting); the client may retry. */
export class UnavailableError extends HttpError {
  override name = 'UnavailableError';

  constructor(message: string, retryAfter = 1) {
    super(503, message, retryAfter);
  }
}

/** More is asked of the service than it can do. */
export class OverloadError extends UnavailableError {
  override name = 'OverloadError';
}
