/** Cores from which a net of ImageNet width finishes in a day rather than a week. */
export const CORES_FOR_RESNET18 = 16;

/** The model that is trained where none is named. */
export function chooseModel(cores: number): string {
  return cores >= CORES_FOR_RESNET18 ? 'resnet18' : 'resnet20';
}
