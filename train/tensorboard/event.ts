import { ProtoWriter } from './proto-writer.ts';

// Field numbers of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 };
const SESSION_LOG = { status: 1 };
const SESSION_START = 1;
const SUMMARY = { value: 1 };
const VALUE = { tag: 1, simpleValue: 2 };

/** The first event of every file. Since version 2, a session's start says which earlier events are void. */
export function versionEvent(seconds: number): Uint8Array {
  return new ProtoWriter()
    .double(EVENT.wallTime, seconds)
    .string(EVENT.fileVersion, 'brain.Event:2')
    .finish();
}

/** Says that a run begins, or begins again, at `step`: readers forget what they have of that step and later. */
export function sessionStartEvent(seconds: number, step: number): Uint8Array {
  return new ProtoWriter()
    .double(EVENT.wallTime, seconds)
    .integer(EVENT.step, step)
    .message(EVENT.sessionLog, new ProtoWriter().integer(SESSION_LOG.status, SESSION_START))
    .finish();
}

/** Scalars by tag at a step. */
export function scalarsEvent(
  seconds: number,
  step: number,
  scalars: Readonly<Record<string, number>>,
): Uint8Array {
  const summary = new ProtoWriter();
  for (const [tag, value] of Object.entries(scalars)) {
    summary.message(SUMMARY.value, new ProtoWriter().string(VALUE.tag, tag).float(VALUE.simpleValue, value));
  }
  return new ProtoWriter()
    .double(EVENT.wallTime, seconds)
    .integer(EVENT.step, step)
    .message(EVENT.summary, summary)
    .finish();
}
