import { float, type GraphBuilder } from '../builder.js'
import type { TrainedNorm } from './train-mode.js'

/**
 * The values of a BatchNormalization of its batch in the form that runs fastest, once nothing asks for their derivative
 * any more:
 * - on a CPU, of images: as one operator in training mode, which gives mean and variance as well. 64 × 16 × 32 × 32 in
 *   0.5 ms against 1.4 of five operators;
 * - of rows: number by number, which BatchNormalization is slow at. 64 × 512 in 0.05 ms against 0.1.
 *
 * Measured with ONNX Runtime 1.30 on AVX-512, one thread.
 */
export function writeNorm(g: GraphBuilder, norm: TrainedNorm, isOnCpu: boolean): void {
  const { node, epsilon, mean, variance, centred } = norm
  const [x, scale, bias] = node.inputs as [string, string, string]
  const { dtype, shape } = g.info(x)
  if (shape.length === 2) {
    const deviation = g.emit('Sqrt', [g.emit('Add', [variance, g.scalar(epsilon, dtype)])])
    const stretched = g.emit('Mul', [centred, g.emit('Div', [scale, deviation])])
    g.replace(node.outputs[0]!, g.emit('Add', [stretched, bias]))
  } else if (isOnCpu) {
    // Of the running statistics nothing stays, so that those of the batch come back. ONNX Runtime writes them over what
    // it is given, be it an input of the graph: it is given something that nobody else reads.
    const attrs = { epsilon: float(epsilon), momentum: float(0), training_mode: 1 }
    const values = [x, scale, bias, g.emit('Neg', [scale]), g.emit('Neg', [bias])]
    const [y, ofMean, ofVariance] = g.emitMany('BatchNormalization', values, 3, attrs)
    const wide = shape.map((_, axis) => (axis === 1 ? -1 : 1))
    g.replace(node.outputs[0]!, y!)
    g.replace(mean, g.emit('Reshape', [ofMean!, g.ints(wide)]))
    g.replace(variance, ofVariance!)
  }
}
