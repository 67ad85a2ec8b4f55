import { de, openSession, rs, tensor } from './chunk-Q26SKOFM.js';
import './chunk-MOR2SDXV.js';

export { de as Tensor, openSession, rs as InferenceSession, tensor };
