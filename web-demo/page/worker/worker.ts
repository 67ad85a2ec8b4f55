import { evaluate } from './evaluate.ts';
import { classify, openModel } from './model.ts';
import { explain } from './occlusion.ts';
import type { Calls } from './protocol.ts';
import { serveCalls } from './serve-calls.ts';
import { prepareRuntime, watchRuntimes } from './session.ts';
// At once, so that it comes a round trip earlier than where it is asked for.
import './runtime.ts';

watchRuntimes();
serveCalls<{ [K in keyof Calls]: Calls[K] }>({
  prepare: prepareRuntime,
  open: openModel,
  classify,
  explain,
  evaluate,
});
