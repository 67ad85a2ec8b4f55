/**
 * CIFAR-100's 20 superclasses with their five classes each, as the dataset's own files have them
 * (https://www.cs.toronto.edu/~kriz/cifar.html): for places that know the names of the classes only.
 */
const SUPERCLASSES: Readonly<Record<string, readonly string[]>> = {
  aquatic_mammals: ['beaver', 'dolphin', 'otter', 'seal', 'whale'],
  fish: ['aquarium_fish', 'flatfish', 'ray', 'shark', 'trout'],
  flowers: ['orchid', 'poppy', 'rose', 'sunflower', 'tulip'],
  food_containers: ['bottle', 'bowl', 'can', 'cup', 'plate'],
  fruit_and_vegetables: ['apple', 'mushroom', 'orange', 'pear', 'sweet_pepper'],
  household_electrical_devices: ['clock', 'keyboard', 'lamp', 'telephone', 'television'],
  household_furniture: ['bed', 'chair', 'couch', 'table', 'wardrobe'],
  insects: ['bee', 'beetle', 'butterfly', 'caterpillar', 'cockroach'],
  large_carnivores: ['bear', 'leopard', 'lion', 'tiger', 'wolf'],
  'large_man-made_outdoor_things': ['bridge', 'castle', 'house', 'road', 'skyscraper'],
  large_natural_outdoor_scenes: ['cloud', 'forest', 'mountain', 'plain', 'sea'],
  large_omnivores_and_herbivores: ['camel', 'cattle', 'chimpanzee', 'elephant', 'kangaroo'],
  medium_mammals: ['fox', 'porcupine', 'possum', 'raccoon', 'skunk'],
  'non-insect_invertebrates': ['crab', 'lobster', 'snail', 'spider', 'worm'],
  people: ['baby', 'boy', 'girl', 'man', 'woman'],
  reptiles: ['crocodile', 'dinosaur', 'lizard', 'snake', 'turtle'],
  small_mammals: ['hamster', 'mouse', 'rabbit', 'shrew', 'squirrel'],
  trees: ['maple_tree', 'oak_tree', 'palm_tree', 'pine_tree', 'willow_tree'],
  vehicles_1: ['bicycle', 'bus', 'motorcycle', 'pickup_truck', 'train'],
  vehicles_2: ['lawn_mower', 'rocket', 'streetcar', 'tank', 'tractor'],
};

/** The superclasses' names, by index. */
export const CIFAR100_SUPERCLASS_NAMES: readonly string[] = Object.keys(SUPERCLASSES);

/** CIFAR-100's 100 class names, by index: they are in alphabetical order. */
export const CIFAR100_LABELS: readonly string[] = Object.values(SUPERCLASSES).flat().sort();

const OF_CLASS = new Map(
  Object.entries(SUPERCLASSES).flatMap(([name, classes]) => classes.map((label) => [label, name])),
);

/** The superclass of each of CIFAR-100's classes by name; undefined unless these are all its classes. */
export function superclassesOf(labels: readonly string[]): string[] | undefined {
  const names = labels.flatMap((label) => OF_CLASS.get(label) ?? []);
  return names.length === OF_CLASS.size && labels.length === OF_CLASS.size ? names : undefined;
}
