import { dirname, extname } from 'node:path'
import { readModelBytes } from '../../../onnx/load.js'
import type { AuditFinding } from '../result.js'
import { scanLayers } from './layers.js'
import { scanOnnx } from './onnx.js'

/** Whether a path names the description of a Keras or TF.js model, which can be scanned and not run. */
export const isLayerFile = (path: string): boolean => extname(path).toLowerCase() === '.json'

/**
 * What a model file holds that no model needs, found by reading it: nothing is run.
 * @throws GNT_FILE; GNT_MODEL_FORMAT when it is not what its name says
 */
export async function scanModel(path: string): Promise<AuditFinding[]> {
  const bytes = await readModelBytes(path)
  return isLayerFile(path)
    ? scanLayers(Buffer.from(bytes).toString('utf8'), dirname(path), path)
    : scanOnnx(bytes, dirname(path), path)
}
