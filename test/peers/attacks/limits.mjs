/** What a network costs in multiplications, and how fast the processor does them at best. */
import { join } from 'node:path'
import ort from 'onnxruntime-node'

const root = join(import.meta.dirname, '../../..')
const { inferShapes } = await import(join(root, 'dist/src/model/infer.js'))
const { encodeModel } = await import(join(root, 'dist/src/onnx/encode.js'))

const product = (sizes) => sizes.reduce((a, b) => a * b, 1)

/** Multiplications of one sample's forward pass, in convolutions and products of matrices. */
export async function multiplications({ forward, sampleShape }) {
  const [input] = forward.inputs
  const types = await inferShapes(forward, { [input.name]: { dims: [1, ...sampleShape] } })
  const shape = (name) => (forward.initializers[name] ?? types.get(name)).dims
  let total = 0
  for (const { op, inputs, outputs, attrs } of forward.nodes) {
    if (!['Conv', 'Gemm', 'MatMul'].includes(op)) continue
    const [a, b, out] = [inputs[0], inputs[1], outputs[0]].map(shape)
    const inner = op === 'Conv' ? product(b.slice(1)) : attrs.transA?.value ? a[0] : a.at(-1)
    total += product(out) * inner
  }
  return total
}

/** 10⁹ floating-point operations a second of ONNX Runtime on one thread, in a product of matrices, the best of twenty. */
export async function greatestRate(size = 1024) {
  const matrix = (name) => ({ name, dtype: 'float32', dims: [size, size] })
  const node = { name: '', op: 'MatMul', domain: '', inputs: ['a', 'b'], outputs: ['c'], attrs: {} }
  const graph = {
    name: 'product',
    opsets: { '': 17 },
    irVersion: 8,
    inputs: [matrix('a'), matrix('b')],
    outputs: [matrix('c')],
    initializers: {},
    nodes: [node],
  }
  const options = { intraOpNumThreads: 1 }
  const session = await ort.InferenceSession.create(encodeModel(graph), options)
  const tensor = () => new ort.Tensor(new Float32Array(size * size).fill(0.5), [size, size])
  const feeds = { a: tensor(), b: tensor() }
  let least = Infinity
  for (let k = 0; k < 20; k++) {
    const start = performance.now()
    await session.run(feeds)
    least = Math.min(least, performance.now() - start)
  }
  await session.release()
  return (2 * size ** 3) / 1e6 / least
}
