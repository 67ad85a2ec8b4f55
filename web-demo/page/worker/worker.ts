import { classify } from './classify.ts';
import { evaluate } from './evaluate.ts';
import { explain } from './explain.ts';
import { openModel } from './model.ts';
import type { Calls } from './protocol.ts';
import { serveCalls } from './serve-calls.ts';
import { warmUpRuntime } from './session.ts';

serveCalls<{ [K in keyof Calls]: Calls[K] }>({ open: openModel, classify, explain, evaluate });
void warmUpRuntime();
