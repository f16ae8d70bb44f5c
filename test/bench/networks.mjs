/**
 * Networks of well-known shapes with random weights, built here so that a bench needs no download:
 *
 *   const { graph, sampleShape, classes } = buildNetwork('resnet50')
 *
 * Their layers are written as exporters write them: BatchNormalization after each Conv, GELU by Erf,
 * attention by MatMul and Softmax. Activations keep a spread near one through all layers.
 */
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const { createRng } = await import(join(root, 'dist/src/util/rng.js'))
const { tensorOf } = await import(join(root, 'dist/src/graph/tensor.js'))

const float = (value) => ({ kind: 'float', value })

/** Writes layers into a graph of opset 18. */
class Writer {
  nodes = []
  initializers = {}
  #rng = createRng('bench-network')
  #count = 0

  emit(op, inputs, attrs = {}, outputs = 1) {
    const names = Array.from({ length: outputs }, () => `v${this.#count++}`)
    const read = Object.entries(attrs).map(([key, value]) => [
      key,
      typeof value === 'number'
        ? { kind: 'int', value }
        : Array.isArray(value)
          ? { kind: 'ints', value }
          : value,
    ])
    const node = { name: `n/${names[0]}`, op, domain: '', inputs, outputs: names }
    this.nodes.push({ ...node, attrs: Object.fromEntries(read) })
    return outputs === 1 ? names[0] : names
  }

  constant(dtype, dims, values) {
    const name = `c${this.#count++}`
    this.initializers[name] = tensorOf(dtype, dims, values)
    return name
  }

  /** Uniform values: as good as normal ones here, and much faster to draw for millions of weights. */
  random(dims, spread, centre = 0) {
    const size = dims.reduce((a, b) => a * b, 1)
    const data = new Float32Array(size)
    const width = spread * Math.sqrt(12)
    for (let k = 0; k < size; k++) data[k] = centre + width * (this.#rng.uniform() - 0.5)
    const name = `w${this.#count++}`
    this.initializers[name] = { dtype: 'float32', dims, data: new Uint8Array(data.buffer) }
    return name
  }

  scalar(value) {
    return this.constant('float32', [], [value])
  }

  /** Conv without bias, then BatchNormalization. */
  conv(x, from, to, { kernel = 1, stride = 1, group = 1, scale = 1 } = {}) {
    const pad = (kernel - 1) >> 1
    const fanIn = (from / group) * kernel * kernel
    const w = this.random([to, from / group, kernel, kernel], Math.sqrt(2 / fanIn))
    const y = this.emit('Conv', [x, w], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group,
    })
    const channel = (spread, centre) => this.random([to], spread, centre)
    return this.emit(
      'BatchNormalization',
      [y, channel(0.1 * scale, scale), channel(0.1), channel(0.1), channel(0.1, 1)],
      { epsilon: float(1e-5) },
    )
  }

  dense(x, from, to, scale = 1) {
    const w = this.random([from, to], scale / Math.sqrt(from))
    return this.emit('Add', [this.emit('MatMul', [x, w]), this.random([to], 0.02)])
  }

  gemm(x, from, to, scale = 1) {
    const w = this.random([to, from], scale / Math.sqrt(from))
    return this.emit('Gemm', [x, w, this.random([to], 0.02)], { transB: 1 })
  }

  relu(x) {
    return this.emit('Relu', [x])
  }

  pooledHead(x, channels, classes) {
    const pooled = this.emit('Flatten', [this.emit('GlobalAveragePool', [x])], { axis: 1 })
    return this.gemm(pooled, channels, classes)
  }
}

/** He et al. 2015, arXiv:1512.03385, table 1; the stride in the 3 × 3 layer. */
function resnet50(w) {
  const stem = w.relu(w.conv('x', 3, 64, { kernel: 7, stride: 2 }))
  const pool = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }
  let x = w.emit('MaxPool', [stem], pool)
  let from = 64
  for (const [stage, blocks] of [3, 4, 6, 3].entries()) {
    const width = 64 << stage
    for (let block = 0; block < blocks; block++) {
      const stride = block === 0 && stage > 0 ? 2 : 1
      const short = block === 0 ? w.conv(x, from, 4 * width, { stride, scale: 0.7 }) : x
      let y = w.relu(w.conv(x, from, width))
      y = w.relu(w.conv(y, width, width, { kernel: 3, stride }))
      y = w.conv(y, width, 4 * width, { scale: 0.5 })
      x = w.relu(w.emit('Add', [y, short]))
      from = 4 * width
    }
  }
  return w.pooledHead(x, from, 1000)
}

/** Howard et al. 2019, arXiv:1905.02244, table 1 (Large). */
function mobilenetv3(w) {
  const hardSwish = (x) => w.emit('HardSwish', [x])
  const hardSigmoid = (x) => w.emit('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) })
  const squeeze = (x, channels) => {
    const inner = Math.max(8, Math.floor((channels / 4 + 4) / 8) * 8)
    const one = (y, from, to) =>
      w.emit('Conv', [y, w.random([to, from, 1, 1], Math.sqrt(2 / from)), w.random([to], 0.02)], {
        kernel_shape: [1, 1],
      })
    const pooled = w.emit('GlobalAveragePool', [x])
    return w.emit('Mul', [
      hardSigmoid(one(w.relu(one(pooled, channels, inner)), inner, channels)),
      x,
    ])
  }
  let x = hardSwish(w.conv('x', 3, 16, { kernel: 3, stride: 2 }))
  let from = 16
  const rows = [
    // kernel, expansion, out, squeeze, hard-swish, stride
    [3, 16, 16, 0, 0, 1],
    [3, 64, 24, 0, 0, 2],
    [3, 72, 24, 0, 0, 1],
    [5, 72, 40, 1, 0, 2],
    [5, 120, 40, 1, 0, 1],
    [5, 120, 40, 1, 0, 1],
    [3, 240, 80, 0, 1, 2],
    [3, 200, 80, 0, 1, 1],
    [3, 184, 80, 0, 1, 1],
    [3, 184, 80, 0, 1, 1],
    [3, 480, 112, 1, 1, 1],
    [3, 672, 112, 1, 1, 1],
    [5, 672, 160, 1, 1, 2],
    [5, 960, 160, 1, 1, 1],
    [5, 960, 160, 1, 1, 1],
  ]
  for (const [kernel, expansion, to, hasSqueeze, hasHardSwish, stride] of rows) {
    const act = hasHardSwish ? hardSwish : (y) => w.relu(y)
    let y = expansion === from ? x : act(w.conv(x, from, expansion))
    y = act(w.conv(y, expansion, expansion, { kernel, stride, group: expansion }))
    if (hasSqueeze) y = squeeze(y, expansion)
    y = w.conv(y, expansion, to)
    x = stride === 1 && from === to ? w.emit('Add', [y, x]) : y
    from = to
  }
  x = hardSwish(w.conv(x, from, 960))
  const pooled = w.emit('Flatten', [w.emit('GlobalAveragePool', [x])], { axis: 1 })
  return w.gemm(hardSwish(w.gemm(pooled, 960, 1280, 1.4)), 1280, 1000)
}

/** Dosovitskiy et al. 2020, arXiv:2010.11929; the Small shape is of Touvron et al. 2020, arXiv:2012.12877. */
function vit(w, dim, heads) {
  const [depth, patch, tokens] = [12, 16, 196]
  const norm = (x) =>
    w.emit('LayerNormalization', [x, w.random([dim], 0.1, 1), w.random([dim], 0.1)], {
      axis: -1,
      epsilon: float(1e-6),
    })
  const gelu = (x) => {
    const erf = w.emit('Erf', [w.emit('Div', [x, w.scalar(Math.SQRT2)])])
    const twice = w.emit('Mul', [x, w.emit('Add', [erf, w.scalar(1)])])
    return w.emit('Mul', [twice, w.scalar(0.5)])
  }
  const split = w.constant('int64', [4], [0, 0, heads, dim / heads])
  const joined = w.constant('int64', [3], [0, 0, dim])
  const attention = (x) => {
    const head = (perm) =>
      w.emit('Transpose', [w.emit('Reshape', [w.dense(x, dim, dim), split])], { perm })
    const [q, k, v] = [head([0, 2, 1, 3]), head([0, 2, 3, 1]), head([0, 2, 1, 3])]
    const scores = w.emit('Mul', [w.emit('MatMul', [q, k]), w.scalar(Math.sqrt(heads / dim))])
    const mixed = w.emit('MatMul', [w.emit('Softmax', [scores], { axis: -1 }), v])
    const rows = w.emit('Reshape', [w.emit('Transpose', [mixed], { perm: [0, 2, 1, 3] }), joined])
    return w.dense(rows, dim, dim, 0.5)
  }
  const kernel = w.random([dim, 3, patch, patch], 1 / Math.sqrt(3 * patch * patch))
  const patches = w.emit('Conv', ['x', kernel, w.random([dim], 0.02)], {
    kernel_shape: [patch, patch],
    strides: [patch, patch],
  })
  const flat = w.emit('Reshape', [patches, w.constant('int64', [3], [0, dim, tokens])])
  const rows = w.emit('Transpose', [flat], { perm: [0, 2, 1] })
  // The class token, once per sample: a mean over the tokens, times zero, knows how many there are.
  const first = w.constant('int64', [1], [1])
  const mean = w.emit('ReduceMean', [rows, first], { keepdims: 1 })
  const token = w.emit('Expand', [w.random([1, 1, dim], 0.02), w.emit('Shape', [mean])])
  const all = w.emit('Concat', [token, rows], { axis: 1 })
  let x = w.emit('Add', [all, w.random([1, tokens + 1, dim], 0.02)])
  for (let layer = 0; layer < depth; layer++) {
    x = w.emit('Add', [x, attention(norm(x))])
    const wide = gelu(w.dense(norm(x), dim, 4 * dim))
    x = w.emit('Add', [x, w.dense(wide, 4 * dim, dim, 0.7)])
  }
  const cls = w.emit('Gather', [norm(x), w.constant('int64', [], [0])], { axis: 1 })
  return w.gemm(cls, dim, 1000)
}

/** Four hidden layers of 1,024 on 28 × 28 pixels. */
function mlp(w) {
  let x = w.emit('Flatten', ['x'], { axis: 1 })
  let from = 784
  for (let layer = 0; layer < 4; layer++) {
    x = w.relu(w.gemm(x, from, 1024, Math.SQRT2))
    from = 1024
  }
  return w.gemm(x, from, 10)
}

const shapes = {
  resnet50: { build: resnet50, sampleShape: [3, 224, 224], classes: 1000 },
  mobilenetv3: { build: mobilenetv3, sampleShape: [3, 224, 224], classes: 1000 },
  vits: { build: (w) => vit(w, 384, 6), sampleShape: [3, 224, 224], classes: 1000 },
  // 238 million weights.
  vitwide: { build: (w) => vit(w, 1280, 20), sampleShape: [3, 224, 224], classes: 1000 },
  mlp: { build: mlp, sampleShape: [1, 28, 28], classes: 10 },
}

export const networkNames = Object.keys(shapes)

const value = (id, dims) => ({ name: id, dtype: 'float32', dims: ['N', ...dims] })

/** @returns a graph with one input `x` float32 (N, ...sampleShape) and one output: logits (N, classes) */
export function buildNetwork(name) {
  const { build, sampleShape, classes } = shapes[name]
  const w = new Writer()
  const y = build(w)
  const graph = {
    name,
    opsets: { '': 18 },
    irVersion: 8,
    inputs: [value('x', sampleShape)],
    outputs: [value(y, [classes])],
    initializers: w.initializers,
    nodes: w.nodes,
  }
  return { graph, sampleShape, classes }
}
