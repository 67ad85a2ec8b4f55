import { parseModel, serializeModel } from './chunk-BCM5Y5H2.js';
import './chunk-CQTP4RLG.js';
import './chunk-MOR2SDXV.js';

export { parseModel, serializeModel };
