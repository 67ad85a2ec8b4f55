import type { Request, Response } from 'express';
import { OverloadError, Refusal } from '../../core/errors.ts';
import { bodyTooLarge, type Limits } from './limits.ts';
import { clientAddress } from './request-context.ts';

/** Reads the body of a request; to be called as long as nobody else has begun to. */
export type ReceiveBody = (request: { req: Request; res: Response }) => Promise<Buffer<ArrayBuffer>>;

/** A body that is still arriving. */
interface Arriving {
  /** Looks at it in which nothing had come since the one before. */
  idle: number;
  stalled(): void;
}

/** What the requests of one address have here. */
interface Share {
  arriving: number;
  bytes: number;
}

const EMPTY = Buffer.alloc(0);
/** So large is the first room for a body that comes in pieces. */
const ROOM = 16_384;

/** Into more pieces than this, and one more for so many bytes, nobody cuts a body: each is work, however small. */
const MAX_PIECES = 4096;
const PIECE_BYTES = 256;

/** So often a body is looked at in the time that it may stand still. */
const LOOKS = 5;

/**
 * Receives request bodies and bounds what all of them together hold. What counts is what arrived, not what was
 * announced: announcing costs a client nothing. No address may have very many bodies arriving, nor more than
 * half of the bytes, and a body that stands still is refused and its connection closed.
 * @param onRefusal e.g. counts
 * @returns reads a body; fails with an Refusal: 400 it broke off, 408 it stands still, 413 it is too large,
 *   415 it is compressed, 429 too much of this address, 503 too much in all
 */
export function bodyReceiver(
  limits: Limits,
  onRefusal: (reason: 'client-limit' | 'stalled') => void,
): ReceiveBody {
  let requests = 0;
  let bytes = 0;
  const shares = new Map<string, Share>();
  const arriving = new Set<Arriving>();
  let timer: NodeJS.Timeout | undefined;

  // Looks are counted, not time: one in which the event loop itself stood still says nothing of the client.
  const look = (): void => {
    timer = undefined;
    for (const body of arriving) if (++body.idle > LOOKS) body.stalled();
    watch();
  };
  const watch = (): void => {
    if (arriving.size === 0) return;
    if (timer === undefined) timer = setTimeout(look, (limits.stallSeconds * 1000) / LOOKS).unref();
  };
  /** @param more bytes to come beside those that are here */
  const checkRoom = (share: Share, more: number): void => {
    if (bytes > 0 && bytes + more > limits.totalBodyBytes) throw overloaded();
    if (share.bytes > 0 && share.bytes + more > limits.totalBodyBytes / 2) {
      onRefusal('client-limit');
      throw new Refusal(429, 'your requests under way hold too many bytes; wait for some of them', 1);
    }
  };

  return async ({ req, res }) => {
    const encoding = req.headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      throw new Refusal(415, 'compressed bodies are not taken; send it without a content-encoding');
    }
    const declared = Number(req.headers['content-length'] ?? 0);
    if (declared > limits.bodyBytes) throw bodyTooLarge(limits.bodyBytes);
    if (requests >= limits.requests) throw overloaded();
    const address = clientAddress(req);
    const share = shares.get(address) ?? { arriving: 0, bytes: 0 };
    if (share.arriving >= limits.clientBodies) {
      onRefusal('client-limit');
      throw new Refusal(429, `more than ${limits.clientBodies} of your requests are still arriving`, 1);
    }
    checkRoom(share, declared);

    shares.set(address, share);
    share.arriving++;
    requests++;
    let held = 0;
    let pieces = 0;
    let received = EMPTY;
    const release = (): void => {
      received = EMPTY;
      bytes -= held;
      share.bytes -= held;
      held = 0;
      if (share.arriving === 0 && share.bytes === 0 && shares.get(address) === share) shares.delete(address);
    };
    res.once('close', () => {
      requests--;
      release();
    });
    return new Promise<Buffer<ArrayBuffer>>((resolve, reject) => {
      const settle = (error?: unknown): void => {
        if (!arriving.delete(body)) return;
        share.arriving--;
        req.off('data', take).off('close', breakOff).off('error', breakOff);
        if (error === undefined) {
          resolve(received.subarray(0, held));
          received = EMPTY;
        } else {
          release();
          // What still comes is thrown away; the client reads its refusal when it is done, or at once.
          req.resume();
          req.on('error', () => {});
          reject(error);
        }
      };
      const breakOff = (): void => settle(new Refusal(400, 'the request body ended early'));
      const take = (chunk: Buffer<ArrayBuffer>): void => {
        body.idle = 0;
        try {
          if (held + chunk.length > limits.bodyBytes) throw bodyTooLarge(limits.bodyBytes);
          if (++pieces > MAX_PIECES + held / PIECE_BYTES) {
            // Not to go on reading them.
            res.set('Connection', 'close');
            throw new Refusal(400, 'the request body comes in too many pieces');
          }
          checkRoom(share, chunk.length);
        } catch (error) {
          settle(error);
          return;
        }
        received = append(received, held, chunk, declared);
        held += chunk.length;
        bytes += chunk.length;
        share.bytes += chunk.length;
      };
      const body: Arriving = {
        idle: 0,
        stalled: () => {
          onRefusal('stalled');
          res.set('Connection', 'close');
          settle(new Refusal(408, `nothing of the request came for ${limits.stallSeconds} seconds`));
        },
      };
      arriving.add(body);
      watch();
      req
        .on('data', take)
        .once('end', () => settle())
        .once('close', breakOff)
        .once('error', breakOff);
    });
  };
}

function overloaded(): OverloadError {
  return new OverloadError('the server is overloaded; try again later');
}

/**
 * Appends a piece to the first `held` bytes of `room`. Pieces are not kept by themselves: of a byte each, a hundred
 * times as much would be held as is counted.
 * @param declared how large all of it is to be; 0: not known
 * @returns where they are now
 */
function append(
  room: Buffer<ArrayBuffer>,
  held: number,
  piece: Buffer<ArrayBuffer>,
  declared: number,
): Buffer<ArrayBuffer> {
  const length = held + piece.length;
  // Mostly a body comes in one.
  if (held === 0 && length === declared) return piece;
  let larger = room;
  if (length > room.length) {
    const double = Math.max(ROOM, 2 * room.length, length);
    larger = Buffer.from(new ArrayBuffer(declared >= length ? Math.min(declared, double) : double));
    room.copy(larger, 0, 0, held);
  }
  piece.copy(larger, held);
  return larger;
}
