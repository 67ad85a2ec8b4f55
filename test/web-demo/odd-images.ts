import sharp, { type Sharp } from 'sharp';
import { Random } from '../../core/random.ts';

/** A picture that is hard to read the same way twice. */
export interface OddImage {
  name: string;
  type: string;
  bytes: Buffer;
}

/** Noise on a gradient, so that wrong rows, channels and filters all show. */
function scene(width: number, height: number, channels: 3 | 4, seed: number): Sharp {
  const random = new Random(seed);
  const data = Buffer.alloc(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const [x, c] = [Math.floor(i / channels) % width, i % channels];
    data[i] = c === 3 ? random.integer(256) : (x * 255) / width / 2 + c * 40 + random.integer(48);
  }
  return sharp(data, { raw: { width, height, channels } });
}

/** Pictures with transparency, EXIF rotation, extreme shapes, one channel, and in all formats. */
export async function oddImages(): Promise<OddImage[]> {
  const images: OddImage[] = [];
  const add = async (name: string, type: string, image: Sharp): Promise<void> => {
    images.push({ name, type, bytes: await image.toBuffer() });
  };
  await add('alpha.png', 'image/png', scene(70, 50, 4, 1).png());
  await add('alpha of the very size.png', 'image/png', scene(32, 32, 4, 2).png());
  await add('lossless alpha.webp', 'image/webp', scene(60, 60, 4, 3).webp({ lossless: true }));
  for (let orientation = 1; orientation <= 8; orientation++) {
    const image = scene(90, 48, 3, 10 + orientation).jpeg({ quality: 90 });
    await add(`exif ${orientation}.jpg`, 'image/jpeg', image.withMetadata({ orientation }));
  }
  await add('ribbon.png', 'image/png', scene(900, 3, 3, 20).png());
  await add('tower.png', 'image/png', scene(1, 700, 3, 21).png());
  await add('one pixel.png', 'image/png', scene(1, 1, 3, 22).png());
  await add('enlarged.png', 'image/png', scene(7, 9, 3, 23).png());
  await add('grey.png', 'image/png', scene(50, 40, 3, 24).greyscale().png());
  await add('palette.png', 'image/png', scene(50, 40, 3, 25).png({ palette: true, colours: 16 }));
  await add('subsampled.jpg', 'image/jpeg', scene(301, 203, 3, 26).jpeg({ quality: 75 }));
  await add('progressive.jpg', 'image/jpeg', scene(160, 120, 3, 27).jpeg({ progressive: true }));
  await add('lossy.webp', 'image/webp', scene(120, 99, 3, 28).webp({ quality: 60 }));
  await add('animation.gif', 'image/gif', scene(64, 48, 3, 29).gif());
  await add('photo.jpg', 'image/jpeg', scene(1200, 801, 3, 30).jpeg());
  return images;
}
