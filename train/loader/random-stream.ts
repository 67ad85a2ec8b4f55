/** First part of a random stream's key after the seed, so that no two uses share numbers. */
export const RandomStream = { order: 1, image: 2, batch: 3, flip: 4 } as const;
