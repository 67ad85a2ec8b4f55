/** A refusal with its HTTP status; the message goes to the client, so it holds no path and no stack. */
export class HttpError extends Error {
  override name = 'HttpError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The service cannot answer now (loading, overloaded, restarting); the client may retry. */
export class UnavailableError extends HttpError {
  override name = 'UnavailableError';

  constructor(message: string) {
    super(503, message);
  }
}
