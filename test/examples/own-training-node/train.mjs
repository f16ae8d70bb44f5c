/**
 * A training of one's own, outside Gauntlet: softmax regression on the pixels, in plain JavaScript without any package.
 *
 *     node train.mjs --data DATA.npz --out MODEL.onnx --seed 1
 *
 * DATA.npz holds `x`, samples as the data set has them (here bytes), and `y`, their labels. MODEL.onnx must be left.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { inflateRawSync } from 'node:zlib'

const { values: args } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '20' },
  },
})

const { x, shape, labels } = readNpz(args.data)
const [count, ...sampleShape] = shape
const features = sampleShape.reduce((a, b) => a * b, 1)
const classes = 1 + labels.reduce((a, b) => Math.max(a, b), 0)
console.log(`${count} samples of ${features} values, ${classes} classes`)
writeFileSync(args.out, onnxOf(train(Number(args.epochs), Number(args.seed))))

/** Stochastic gradient descent on the cross-entropy, a sample at a time. */
function train(epochs, seed) {
  const weight = new Float64Array(classes * features)
  const bias = new Float64Array(classes)
  const random = generator(seed)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[order[i], order[j]] = [order[j], order[i]]
    }
    const rate = 0.01 * (1 - epoch / epochs)
    let right = 0
    for (const i of order) {
      const sample = x.subarray(i * features, (i + 1) * features)
      const scores = Float64Array.from({ length: classes }, (_, k) => {
        let sum = bias[k]
        for (let f = 0; f < features; f++) sum += weight[k * features + f] * sample[f]
        return sum
      })
      const most = scores.reduce((a, b) => Math.max(a, b), -Infinity)
      if (scores.indexOf(most) === labels[i]) right++
      const exps = scores.map((score) => Math.exp(score - most))
      const total = exps.reduce((a, b) => a + b, 0)
      for (let k = 0; k < classes; k++) {
        const gradient = exps[k] / total - (k === labels[i] ? 1 : 0)
        bias[k] -= rate * gradient
        for (let f = 0; f < features; f++) weight[k * features + f] -= rate * gradient * sample[f]
      }
    }
    console.log(`epoch ${epoch + 1}: ${right} of ${count} right`)
  }
  return { weight: Float32Array.from(weight), bias: Float32Array.from(bias) }
}

/** Mulberry32: small, and good enough to shuffle with. */
function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The two arrays of an .npz: a zip of .npy files, each a header and raw numbers. Bytes are brought to [0, 1]. */
function readNpz(path) {
  const zip = readFileSync(path)
  const arrays = {}
  // The list of entries is at the end, and the end says where it starts.
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const method = zip.readUInt16LE(at + 10)
    const size = zip.readUInt32LE(at + 20)
    const nameLength = zip.readUInt16LE(at + 28)
    const start = zip.readUInt32LE(at + 42)
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength)
    const data = start + 30 + zip.readUInt16LE(start + 26) + zip.readUInt16LE(start + 28)
    const packed = zip.subarray(data, data + size)
    arrays[name.replace(/\.npy$/, '')] = readNpy(method === 8 ? inflateRawSync(packed) : packed)
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  const scale = arrays.x.type === '|u1' ? 255 : 1
  return {
    x: Float64Array.from(arrays.x.data, (value) => value / scale),
    shape: arrays.x.shape,
    labels: Int32Array.from(arrays.y.data, Number),
  }
}

function readNpy(bytes) {
  const length = bytes.readUInt16LE(8)
  const header = bytes.toString('latin1', 10, 10 + length)
  const type = /'descr': '([^']+)'/.exec(header)[1]
  const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter(Boolean).map(Number)
  const values = new Uint8Array(bytes.subarray(10 + length)).buffer
  const kinds = { '|u1': Uint8Array, '<f4': Float32Array, '<i8': BigInt64Array }
  return { type, shape, data: new kinds[type](values) }
}

/** The network as ONNX: `logits = (x / scale) · Wᵀ + b`, written field by field as onnx.proto3 numbers them. */
function onnxOf({ weight, bias }) {
  const input = shape.length === 2 ? 'x' : 'flat'
  const graph = [
    ...(shape.length === 2
      ? []
      : [message(1, [text(1, 'x'), text(2, 'flat'), text(4, 'Flatten')])]),
    message(1, [
      ...[input, 'w', 'b'].map((name) => text(1, name)),
      text(2, 'logits'),
      text(4, 'Gemm'),
      // Attribute transB = 1, of type INT (2).
      message(5, [text(1, 'transB'), number(3, 1), number(20, 2)]),
    ]),
    text(2, 'own'),
    tensor('w', [classes, features], weight),
    tensor('b', [classes], bias),
    value(11, 'x', sampleShape),
    value(12, 'logits', [classes]),
  ]
  // IR version 8, operators of version 13.
  return Buffer.concat([number(1, 8), message(7, graph), message(8, [text(1, ''), number(2, 13)])])
}

function tensor(name, dims, data) {
  const raw = new Uint8Array(data.buffer)
  return message(5, [
    ...dims.map((dim) => number(1, dim)),
    number(2, 1),
    text(8, name),
    bytes(9, raw),
  ])
}

/** An input or output: float32 (1), of a batch of any size N. */
function value(field, name, dims) {
  const axes = [message(1, [text(2, 'N')]), ...dims.map((dim) => message(1, [number(1, dim)]))]
  return message(field, [text(1, name), message(2, [message(1, [number(1, 1), message(2, axes)])])])
}

function varint(value) {
  const out = []
  for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) | 128)
  return Buffer.from([...out, value])
}

function number(field, value) {
  return Buffer.concat([varint(field * 8), varint(value)])
}

function bytes(field, data) {
  return Buffer.concat([varint(field * 8 + 2), varint(data.length), data])
}

function text(field, value) {
  return bytes(field, Buffer.from(value))
}

function message(field, parts) {
  return bytes(field, Buffer.concat(parts))
}
