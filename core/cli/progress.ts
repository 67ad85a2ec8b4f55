const REDRAW_MS = 100;
const PLAIN_LINE_MS = 30_000;
const BAR_WIDTH = 24;
const MIN_BAR_WIDTH = 4;

/**
 * Progress of a long piece of work, on stderr unless told otherwise so that it stays out of piped output.
 * On a terminal one line is redrawn about ten times a second; elsewhere (a log file, CI) a plain line is
 * written every half minute and at the end.
 */
export class ProgressBar {
  readonly #label: string;
  readonly #total: number;
  readonly #unit: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #startedAt = performance.now();
  #firstDone: number | undefined;
  #done = 0;
  #note = '';
  #drawnAt = Number.NEGATIVE_INFINITY;
  #finished = false;

  /**
   * @param options.total what `update` counts up to; 0 if it is not known (no percentage or ETA is shown)
   * @param options.unit what is counted, e.g. `images`; `bytes` is shown in MB
   */
  constructor(options: { label: string; total: number; unit?: string; stream?: NodeJS.WriteStream }) {
    this.#label = options.label;
    this.#total = options.total;
    this.#unit = options.unit ?? '';
    this.#stream = options.stream ?? process.stderr;
    // A plain log gets its first line after half a minute, not at once.
    if (!this.#stream.isTTY) this.#drawnAt = this.#startedAt;
  }

  /**
   * @param done how much is done in all; the first call sets where the rate is counted from, so that work
   * resumed half way does not look fast
   * @param note a few words shown at the end of the line, e.g. `loss 2.31`
   */
  update(done: number, note?: string): void {
    if (this.#finished) return;
    this.#firstDone ??= done;
    this.#done = done;
    if (note !== undefined) this.#note = note;
    const now = performance.now();
    if (now - this.#drawnAt < (this.#stream.isTTY ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#drawnAt = now;
    this.#draw(now, false);
  }

  /** Draws the last state, ends the line and ignores any later call. */
  finish(note?: string): void {
    if (this.#finished) return;
    if (note !== undefined) this.#note = note;
    this.#draw(performance.now(), true);
    this.#finished = true;
  }

  #draw(now: number, last: boolean): void {
    const elapsed = (now - this.#startedAt) / 1000;
    const worked = this.#done - (this.#firstDone ?? 0);
    // Until a second call there is nothing to divide; a single update that says it all is counted whole.
    const rate = (worked > 0 ? worked : last && this.#firstDone === this.#total ? this.#done : 0) / elapsed;
    const parts: string[] = [];
    const fraction = this.#total > 0 ? Math.min(1, Math.max(0, this.#done / this.#total)) : undefined;
    if (fraction !== undefined)
      parts.push(`${Math.floor(fraction * 100)}%`.padStart(this.#stream.isTTY ? 4 : 0));
    parts.push(this.#count());
    if (rate > 0 && Number.isFinite(rate)) parts.push(this.#rate(rate));
    if (last) parts.push(`in ${formatDuration(elapsed)}`);
    else if (rate > 0 && this.#total > 0) {
      parts.push(`ETA ${formatDuration(Math.max(0, this.#total - this.#done) / rate)}`);
    }
    if (this.#note !== '') parts.push(this.#note);
    const line = (drawn = '') => `${this.#label}  ${drawn}${parts.join('  ')}`;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${line()}\n`);
      return;
    }
    // A line that wraps could not be redrawn in place. So the bar gives way first, then the count, then the rate; the note
    // is what one looks at.
    const width = this.#stream.columns > 1 ? this.#stream.columns - 1 : 79;
    const room = width - [...line()].length - '[] '.length;
    const drawn =
      fraction === undefined || room < MIN_BAR_WIDTH ? '' : bar(fraction, Math.min(BAR_WIDTH, room));
    while ([...line(drawn)].length > width && parts.length > 2) parts.splice(1, 1);
    this.#stream.write(`\r${[...line(drawn)].slice(0, width).join('')}\x1b[K${last ? '\n' : ''}`);
  }

  #count(): string {
    const known = this.#total > 0;
    if (this.#unit === 'bytes') {
      return known ? `${megabytes(this.#done)}/${megabytes(this.#total)} MB` : `${megabytes(this.#done)} MB`;
    }
    return `${this.#done}${known ? `/${this.#total}` : ''}${this.#unit === '' ? '' : ` ${this.#unit}`}`;
  }

  #rate(rate: number): string {
    if (this.#unit === 'bytes') return `${megabytes(rate)} MB/s`;
    const digits = rate >= 100 ? 0 : rate >= 10 ? 1 : 2;
    return `${rate.toFixed(digits)}${this.#unit === '' ? '' : ` ${this.#unit}`}/s`;
  }
}

/** A length of time for people: `0.4s`, `12s`, `3m 05s`, `2h 07m`, `4d 03h`; `?` if it is not finite. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function bar(fraction: number, width: number): string {
  const full = Math.round(fraction * width);
  return `[${'='.repeat(full)}${' '.repeat(width - full)}] `;
}
