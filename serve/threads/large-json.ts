/**
 * Bytes of JSON that are read in the main thread, in a millisecond or two: a few images of CIFAR's size. 10 MB
 * take 100 ms, and as many as 4 s if they are made for it, so larger bodies are read by a thread.
 */
export const LARGE_JSON = 64_000;
