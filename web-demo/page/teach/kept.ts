import type { TaughtClass } from './protocol.ts';

const [NAME, STORE, KEY] = ['onnx-classifier-teach', 'classes', 'all'];

/** The classes as they were kept last, in this browser alone; none if they never were. */
export async function keptClasses(): Promise<TaughtClass[]> {
  return (await inStore<TaughtClass[] | undefined>('readonly', (store) => store.get(KEY))) ?? [];
}

/**
 * Keeps the classes for the next visit.
 * @throws DOMException if the browser keeps nothing (a private window), or there is no room
 */
export async function keepClasses(classes: readonly TaughtClass[]): Promise<void> {
  await inStore('readwrite', (store) => store.put(classes, KEY));
}

async function inStore<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await answer<IDBDatabase>(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const value = await answer<T>(ask(transaction.objectStore(STORE)));
    // What was put is safe when its transaction has ended, where it may still fail for want of room.
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    return value;
  } finally {
    database.close();
  }
}

function answer<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error);
  });
}
