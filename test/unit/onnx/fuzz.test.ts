import { describe, expect, it } from 'vitest'
import { GauntletError } from '../../../src/errors.js'
import { upgrade } from '../../../src/graph/opset.js'
import { print } from '../../../src/graph/print.js'
import { tensorOfFloats, tensorOfInts } from '../../../src/graph/tensor.js'
import { verify } from '../../../src/graph/verify.js'
import { decodeModel } from '../../../src/onnx/decode.js'
import { encodeModel } from '../../../src/onnx/encode.js'
import { createRng } from '../../../src/util/rng.js'
import { float, graphOf, nodeOf } from '../../helpers/graphs.js'

const inner = graphOf({ nodes: [nodeOf('Abs', ['x'], ['y'])] })
const small = encodeModel(
  graphOf({
    opset: 9,
    inputs: { x: ['N', 3, 4] },
    initializers: {
      w: tensorOfFloats([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
      s: tensorOfInts([2], [-1, 4]),
    },
    nodes: [
      nodeOf('Reshape', ['x', 's'], ['flat']),
      nodeOf('MatMul', ['flat', 'w'], ['logits']),
      nodeOf('Clip', ['logits'], ['clipped'], { min: float(-1) }),
      nodeOf('Softmax', ['clipped'], ['p']),
      nodeOf('If', ['p'], ['y'], { then_branch: { kind: 'graph', value: inner } }),
    ],
  }),
)

/** Not GNT_GRAPH_INVALID: what decoding lets through must stay valid. */
const expected = ['GNT_MODEL_FORMAT', 'GNT_MODEL_UNSUPPORTED']

/** The graph is whole, or the error is one that a person can act on; anything else fails the test. */
function survives(bytes: Uint8Array): 'graph' | 'error' {
  try {
    const graph = verify(decodeModel(bytes))
    verify(decodeModel(encodeModel(graph)))
    print(graph)
    verify(upgrade(graph))
    return 'graph'
  } catch (error) {
    const isExpected = error instanceof GauntletError && expected.includes(error.code)
    if (isExpected && !error.message.includes('\n')) return 'error'
    throw error
  }
}

describe('a damaged model', () => {
  it('is refused when it is cut off anywhere', () => {
    const results = Array.from(small, (_, end) => survives(small.subarray(0, end)))
    expect(results.filter((result) => result === 'graph')).toEqual([])
    expect(survives(small)).toBe('graph')
  })

  it.each([1, 2, 8])('is refused or still a graph after %i random changes', (changes) => {
    const rng = createRng('fuzz', changes)
    const results = Array.from({ length: 3000 }, () => {
      const damaged = small.slice()
      for (let i = 0; i < changes; i++) {
        const at = rng.below(damaged.length)
        const bit = 1 << rng.below(8)
        damaged[at] = rng.uniform() < 0.5 ? rng.below(256) : (damaged[at] ?? 0) ^ bit
      }
      return survives(damaged)
    })
    expect(new Set(results)).toEqual(new Set(['graph', 'error']))
  })

  it('is refused or still a graph when a piece is missing, doubled or noise', () => {
    const rng = createRng('fuzz', 'pieces')
    for (let i = 0; i < 1500; i++) {
      const from = rng.below(small.length)
      const to = from + rng.below(small.length - from)
      const piece = small.subarray(from, to)
      const noise = Uint8Array.from(piece, () => rng.below(256))
      const rest = small.subarray(to)
      for (const middle of [new Uint8Array(), Buffer.concat([piece, piece]), noise]) {
        survives(Buffer.concat([small.subarray(0, from), middle, rest]))
      }
    }
  })

  it('is refused when subgraphs are nested without end', () => {
    let graph = inner
    for (let i = 0; i < 40; i++) {
      const attrs = { then_branch: { kind: 'graph', value: graph } } as const
      graph = graphOf({ inputs: { x: [1] }, nodes: [nodeOf('If', ['x'], ['y'], attrs)] })
    }
    expect(() => decodeModel(encodeModel(graph))).toThrow(/nested more than 16 deep/)
  })
})
