import { UserError } from '../errors.ts';
import { buildModel, MODEL_NAMES } from '../models/zoo.ts';
import { classifierName, type FamilyName, familyOf } from './names.ts';
import type { TensorFile } from './safetensors.ts';

/**
 * Which models of the zoo may have these tensors, by counting layers: of all nets one or two are left, and
 * only those need to be built to compare shapes.
 * @returns names, perhaps none, the likeliest first
 */
export function candidateModels(tensors: TensorFile['tensors'], family: FamilyName): string[] {
  if (family !== 'resnet') {
    const convs = [...tensors.values()].filter(({ dims }) => dims.length === 4).length;
    return MODEL_NAMES.filter((name) => name.startsWith(family))
      .map((name) => ({ ...buildModel(name, { numClasses: 1 }), name }))
      .filter(({ nodes }) => nodes.filter(({ op }) => op === 'Conv').length === convs)
      .map(({ name, initializers }) => ({
        name,
        shared: [...initializers.keys()].filter((key) => tensors.has(key)).length,
      }))
      .sort((a, b) => b.shared - a.shared)
      .map(({ name }) => name);
  }
  // As He et al. count: convs and the classifier, shortcuts and squeeze-and-excitation left out.
  const convs = [...tensors].filter(
    ([name, { dims }]) => dims.length === 4 && /^(layer\d+\.\d+\.)?conv\d+\.weight$/.test(name),
  );
  const layers = convs.length + 1;
  const excited = [...tensors.keys()].some((name) => name.includes('.se.'));
  const largeStem = tensors.get('conv1.weight')?.dims[2] === 7;
  return MODEL_NAMES.filter((name) => {
    const [, se, counted, stem] = /^(se_)?resnet(\d+)\w*(-imagenet)?$/.exec(name) ?? [];
    return Number(counted) === layers && (se !== undefined) === excited && (stem !== undefined) === largeStem;
  });
}

/** Labels are stored in 16 bits. It also keeps a malformed shape from claiming memory. */
const MAX_CLASSES = 65_536;

/**
 * The number of classes, read off the classifier.
 * @param left tensors that could not be read, and what they are
 * @throws UserError if there is no classifier
 */
export function classCount(
  tensors: TensorFile['tensors'],
  source: string,
  left: ReadonlyMap<string, string> = new Map(),
): number {
  const name = classifierName(tensors, familyOf([...tensors.keys()]));
  const [classes, ...rest] = tensors.get(name)?.dims ?? [];
  if (classes === undefined || classes < 1 || classes > MAX_CLASSES || rest.length !== 1) {
    const unread = left.get(name);
    if (unread !== undefined) {
      throw new UserError(`${source}: its classifier "${name}" is ${unread}, which is not read`);
    }
    const [other] = [...tensors].filter(([, { dims }]) => dims.length === 2).at(-1) ?? [];
    const hint = other === undefined || other === name ? '' : ` (its last matrix is "${other}")`;
    throw new UserError(
      `${source} has no classifier "${name}" of [classes, features]${hint}; its tensors are ${someNames([...tensors.keys()])}`,
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
