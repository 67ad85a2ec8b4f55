import { UserError } from '../errors.ts';
import { requireOpenVino } from '../openvino/library.ts';

/** What runs models in Node. */
export type RuntimeName = 'onnxruntime' | 'openvino';
/** `auto`: whichever runs the model faster here, by a short trial. */
export type RuntimeChoice = RuntimeName | 'auto';

export const RUNTIME_CHOICES = ['onnxruntime', 'openvino', 'auto'] as const;

/** The option of the commands that run a model. */
export const RUNTIME_OPTION = {
  runtime: {
    type: 'string',
    help: 'what runs the model; auto: the faster here, by a short trial (npm run setup:openvino gets the second)',
    default: 'onnxruntime',
    choices: RUNTIME_CHOICES,
  },
} as const;

/** @throws UserError if OpenVINO is asked for and not set up, or there is no such runtime */
export function requireRuntime(choice: RuntimeChoice = 'onnxruntime'): void {
  if (!RUNTIME_CHOICES.includes(choice))
    throw new UserError(`runtime is ${RUNTIME_CHOICES.join(', ')}, not ${choice}`);
  if (choice === 'openvino') requireOpenVino();
}
