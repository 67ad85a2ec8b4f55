import {
  SCORE_KINDS,
  bestPredictions,
  probabilitiesOf
} from "./chunk-LQA6PXJA.js";
import "./chunk-MOR2SDXV.js";
export {
  SCORE_KINDS,
  bestPredictions,
  probabilitiesOf
};
