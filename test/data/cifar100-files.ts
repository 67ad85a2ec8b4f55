import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recordBytes } from '../../core/data/cifar/variant.ts';
import { CIFAR100_BINARY } from '../../core/data/cifar100.ts';
import type { SplitName } from '../../core/data/dataset.ts';

/** Superclass, class and image. */
export const CIFAR100_RECORD_BYTES = recordBytes(CIFAR100_BINARY);

/** The bytes of a well-formed split file: class `i % 100`, superclass `class % 20`, pixels by a formula. */
export function splitBytes(split: SplitName): Buffer {
  const count = CIFAR100_BINARY.files[split][0]!.images;
  const bytes = Buffer.alloc(count * CIFAR100_RECORD_BYTES);
  for (let i = 0; i < count; i++) {
    const at = i * CIFAR100_RECORD_BYTES;
    bytes.fill(i % 251, at + 2, at + CIFAR100_RECORD_BYTES);
    bytes[at] = i % 20;
    bytes[at + 1] = i % 100;
    bytes[at + 2] = 1;
    bytes[at + CIFAR100_RECORD_BYTES - 1] = 2;
  }
  return bytes;
}

/** Writes label names and the given split files into `folder`. */
export async function writeCifar100(
  folder: string,
  splits: Partial<Record<SplitName, Uint8Array>>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const names = (prefix: string, count: number): string =>
    `${Array.from({ length: count }, (_, i) => `${prefix}${i}`).join('\n')}\n\n`;
  await writeFile(join(folder, 'fine_label_names.txt'), names('fine', 100));
  await writeFile(join(folder, 'coarse_label_names.txt'), names('coarse', 20));
  for (const [split, bytes] of Object.entries(splits)) await writeFile(join(folder, `${split}.bin`), bytes);
}
