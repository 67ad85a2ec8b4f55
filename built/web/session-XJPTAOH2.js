import {
  de,
  openSession,
  rs,
  tensor
} from "./chunk-Q26SKOFM.js";
import "./chunk-MOR2SDXV.js";
export {
  rs as InferenceSession,
  de as Tensor,
  openSession,
  tensor
};
