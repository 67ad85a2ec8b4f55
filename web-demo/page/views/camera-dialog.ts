import { UserError } from '../../../core/errors.ts';
import { byId } from '../dom/elements.ts';
import { ErrorLine } from '../dom/error-line.ts';
import { canvasFile } from './thumbs.ts';

/** Who wants pictures, and how. */
export interface CameraUse {
  /** Called with every picture taken. */
  onPicture: (file: File) => void;
  /** Guesses what a picture shows, in a line; with it the camera can be watched all the time. */
  guess?: (file: File) => Promise<string>;
  /** Stay open for more pictures. */
  several?: boolean;
}

/** The camera in a dialog. It is on only while the dialog is open. */
export class CameraDialog {
  readonly #dialog = byId('camera', HTMLDialogElement);
  readonly #video = byId('camera-video', HTMLVideoElement);
  readonly #take = byId('camera-take', HTMLButtonElement);
  readonly #live = byId('camera-live', HTMLInputElement);
  readonly #liveLabel = byId('camera-live-label', HTMLElement);
  readonly #guess = byId('camera-guess', HTMLElement);
  readonly #error = new ErrorLine(byId('camera-error', HTMLElement));
  #use: CameraUse | undefined;
  #stream: MediaStream | undefined;

  constructor() {
    this.#take.addEventListener('click', () => void this.#takePicture());
    this.#live.addEventListener('change', () => void this.#watch());
    this.#dialog.addEventListener('close', () => this.#off());
    this.#dialog.querySelector('[data-close]')?.addEventListener('click', () => this.#dialog.close());
  }

  /** Opens the dialog and asks the reader for the camera. */
  async open(use: CameraUse): Promise<void> {
    this.#use = use;
    this.#error.clear();
    this.#guess.textContent = '';
    this.#take.disabled = true;
    this.#liveLabel.hidden = use.guess === undefined;
    this.#live.checked = use.guess !== undefined;
    this.#dialog.showModal();
    try {
      this.#stream = await askForCamera();
      if (!this.#dialog.open) return this.#off();
      this.#video.srcObject = this.#stream;
      await this.#video.play();
      this.#take.disabled = false;
      this.#take.focus();
      void this.#watch();
    } catch (error) {
      // Closed while it was starting: nobody is left to tell.
      if (this.#dialog.open) this.#error.show(error);
    }
  }

  async #takePicture(): Promise<void> {
    const use = this.#use;
    if (!use) return;
    const file = await this.#frame();
    if (!use.several) this.#dialog.close();
    use.onPicture(file);
  }

  /** One guess after the other, as fast as they come, while it is wanted. */
  async #watch(): Promise<void> {
    const use = this.#use;
    while (this.#stream && this.#live.checked && use?.guess && this.#use === use) {
      try {
        const line = await use.guess(await this.#frame());
        if (this.#stream) this.#guess.textContent = line;
      } catch (error) {
        this.#error.show(error);
        return;
      }
      await new Promise(requestAnimationFrame);
    }
    if (!this.#live.checked) this.#guess.textContent = '';
  }

  /** The middle square of what the camera sees now. */
  async #frame(): Promise<File> {
    const { videoWidth, videoHeight } = this.#video;
    const side = Math.min(videoWidth, videoHeight);
    const canvas = document.createElement('canvas');
    canvas.width = side;
    canvas.height = side;
    canvas
      .getContext('2d')
      ?.drawImage(
        this.#video,
        (videoWidth - side) / 2,
        (videoHeight - side) / 2,
        side,
        side,
        0,
        0,
        side,
        side,
      );
    return canvasFile(canvas, 'camera');
  }

  #off(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.#use = undefined;
  }
}

async function askForCamera(): Promise<MediaStream> {
  try {
    // The back of a phone: that is where things to look at are.
    return await navigator.mediaDevices.getUserMedia({
      video: { facingMode: 'environment', width: { ideal: 640 }, height: { ideal: 480 } },
    });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : '';
    if (name === 'NotAllowedError') {
      throw new UserError('The camera was not allowed; allow it in the browser’s address bar and try again.');
    }
    if (name === 'NotFoundError') throw new UserError('No camera was found; choose a file instead.');
    throw new UserError(
      'The camera cannot be used here; it needs https or localhost. Choose a file instead.',
    );
  }
}
