import { bestPredictions, probabilitiesOf, SCORE_KINDS } from './chunk-LQA6PXJA.js';
import './chunk-MOR2SDXV.js';

export { bestPredictions, probabilitiesOf, SCORE_KINDS };
