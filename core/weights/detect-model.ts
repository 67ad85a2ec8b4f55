import { UserError } from '../errors.ts';
import { MODEL_NAMES } from '../models/zoo.ts';
import type { TensorFile } from './safetensors.ts';

/**
 * Which models of the zoo may have these tensors, by counting layers: of 18 nets one or two are left, and
 * only those need to be built to compare shapes.
 * @returns names, perhaps none
 */
export function candidateModels(tensors: TensorFile['tensors']): string[] {
  // As He et al. count: convs and the classifier, shortcuts and squeeze-and-excitation left out.
  const convs = [...tensors].filter(
    ([name, { dims }]) => dims.length === 4 && /^(layer\d+\.\d+\.)?conv\d+\.weight$/.test(name),
  );
  const layers = convs.length + 1;
  const excited = [...tensors.keys()].some((name) => name.includes('.se.'));
  return MODEL_NAMES.filter((name) => {
    const counted = Number(/\d+/.exec(name)?.[0]);
    return counted === layers && name.startsWith('se_') === excited;
  });
}

/** Labels are stored in 16 bits. It also keeps a malformed shape from claiming memory. */
const MAX_CLASSES = 65_536;

/**
 * The number of classes, read off the classifier.
 * @param left tensors that could not be read, and what they are
 * @throws UserError if there is no classifier `fc`
 */
export function classCount(
  tensors: TensorFile['tensors'],
  source: string,
  left: ReadonlyMap<string, string> = new Map(),
): number {
  const [classes, ...rest] = tensors.get('fc.weight')?.dims ?? [];
  if (classes === undefined || classes < 1 || classes > MAX_CLASSES || rest.length !== 1) {
    const unread = left.get('fc.weight');
    if (unread !== undefined) {
      throw new UserError(`${source}: its classifier "fc.weight" is ${unread}, which is not read`);
    }
    const [other] = [...tensors].filter(([, { dims }]) => dims.length === 2).at(-1) ?? [];
    const hint = other === undefined || other === 'fc.weight' ? '' : ` (its last matrix is "${other}")`;
    throw new UserError(
      `${source} has no classifier "fc.weight" of [classes, features]${hint}; its tensors are ${someNames([...tensors.keys()])}`,
    );
  }
  return classes;
}

/** The first few of a list of names, and how many more there are. */
export function someNames(names: readonly string[], count = 3): string {
  const shown = names.slice(0, count).map((name) => JSON.stringify(name));
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
