import { serveCalls } from '../worker/serve-calls.ts';
import type { TeachCalls } from './protocol.ts';
import { teach } from './teach.ts';

serveCalls<{ [K in keyof TeachCalls]: TeachCalls[K] }>({ teach });
