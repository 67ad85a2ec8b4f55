import { openModel, type Prediction, type WebClassifier } from 'onnx-classifier/web';
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

/** What a promise gave, or why it gave nothing; of the last one alone, whatever comes later. */
interface Settled<T> {
  value?: T;
  error?: string;
}

/** A model, open while who asks for it is there. `openServer('http://...')` asks a server instead. */
function useClassifier(model: string): Settled<WebClassifier> {
  const [state, setState] = useState<Settled<WebClassifier>>({});
  useEffect(() => {
    let wanted = true;
    const opening = openModel(model);
    opening.then(
      (value) => wanted && setState({ value }),
      ({ message }: Error) => wanted && setState({ error: message }), // One line, for people.
    );
    return () => {
      wanted = false;
      opening.then((classifier) => classifier.close()).catch(() => undefined);
    };
  }, [model]);
  return state;
}

/** The best classes of a picture; of one that was chosen meanwhile, not of the one before. */
function usePredictions(classifier?: WebClassifier, picture?: File): Settled<Prediction[]> {
  const [state, setState] = useState<Settled<Prediction[]>>({});
  useEffect(() => {
    let wanted = true;
    if (classifier && picture) {
      classifier.classify(picture, { topK: 3 }).then(
        (value) => wanted && setState({ value }),
        ({ message }: Error) => wanted && setState({ error: message }),
      );
    }
    return () => {
      wanted = false;
    };
  }, [classifier, picture]);
  return state;
}

function PictureClasses({ model }: { model: string }) {
  const [picture, setPicture] = useState<File>();
  const { value: classifier, error: notOpened } = useClassifier(model);
  const { value: best = [], error = notOpened } = usePredictions(classifier, picture);
  return (
    <main>
      <h1>What is in the picture?</h1>
      <input
        type="file"
        accept="image/*"
        aria-label="picture"
        disabled={!classifier}
        onChange={({ target }) => setPicture(target.files?.[0])}
      />
      {error !== undefined && <p role="alert">{error}</p>}
      <ol>
        {best.map(({ label, probability }) => (
          <li key={label}>
            {label} {(100 * probability).toFixed(1)} %
          </li>
        ))}
      </ol>
    </main>
  );
}

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <PictureClasses model="./model.onnx" />
  </StrictMode>,
);
