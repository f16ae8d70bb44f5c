import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { pgd } from '../../../attacks/evasion/pgd.js'
import type { AttackPlugin } from '../../../src/attack/types.js'
import type { Graph } from '../../../src/graph/ir.js'
import { tensorOfBools, tensorOfInts } from '../../../src/graph/tensor.js'
import { ModelHandle } from '../../../src/model/handle.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { loops } from '../../../src/trust/preflight/loops.js'
import { convergence, restarts } from '../../../src/trust/probes/convergence.js'
import { deployed } from '../../../src/trust/probes/deployed.js'
import { rounding } from '../../../src/trust/probes/rounding.js'
import { unbounded } from '../../../src/trust/probes/unbounded.js'
import { unitTest } from '../../../src/trust/probes/unit-test.js'
import { unstableLoss } from '../../../src/trust/probes/unstable-loss.js'
import { uselessGradient } from '../../../src/trust/probes/useless-gradient.js'
import { binarized, shattered } from '../../helpers/broken-models.js'
import { demoGraph, glyphs, linf, raised, severities, uneven } from '../../helpers/examination.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import { linearOf, predictionsOf, openModel, samplesOf, withTail } from '../../helpers/networks.js'

/** v2 is undefended, v1 trained on adversarial examples. */
let plain: Graph
let defended: Graph
beforeAll(async () => {
  plain = await demoGraph('v2')
  defended = await demoGraph('v1')
})

/** PGD with other defaults. */
const pgdWith = (defaults: Readonly<Record<string, unknown>>): AttackPlugin => ({
  ...pgd,
  params: z.preprocess((given) => ({ ...defaults, ...(given as object) }), pgd.params),
})

describe('E5, without a bound', () => {
  it('a network of no gradient stands', async () => {
    const [found] = await raised(unbounded, binarized(plain), glyphs(24))
    expect(found).toMatchObject({ severity: 'error' })
    expect(found?.text).toMatch(/^100\.0 % of 2\d samples survive/)
  })
  it('others fall', async () => {
    expect(await raised(unbounded, plain)).toEqual([])
    expect(await raised(unbounded, defended)).toEqual([])
  })
})

describe('E7 and E8, more of the same', () => {
  it('breaks more where the attack is too short', async () => {
    const attack = pgdWith({ steps: 2, relStepSize: 0.25, randomStart: false })
    const [found] = await raised(convergence, plain, { attack, threats: [linf(0.03)] })
    expect(found).toMatchObject({ severity: 'warning', where: 'PGD-2' })
    expect(found?.text).toMatch(/^twice the steps break \d+ more of 64 samples/)
  })
  it('breaks more where it all depends on the start', async () => {
    const changes = { attack: pgdWith({ steps: 1 }), threats: [linf(0.3)] }
    const [found] = await raised(restarts, shattered(plain), changes)
    expect(found).toMatchObject({ severity: 'warning' })
    expect(found?.text).toMatch(/^a second random start break \d+ more/)
  })
  it('breaks no more where it has converged', async () => {
    for (const check of [convergence, restarts]) {
      expect(await raised(check, plain)).toEqual([])
      expect(await raised(check, defended)).toEqual([])
    }
  })
})

describe('E14, the loss surface', () => {
  it('is rough', async () => {
    const [found] = await raised(unstableLoss, shattered(plain))
    expect(found).toMatchObject({ severity: 'warning' })
  })
  it('is smooth', async () => {
    expect(await raised(unstableLoss, plain)).toEqual([])
    expect(await raised(unstableLoss, defended)).toEqual([])
    expect(await raised(unstableLoss, plain, { threats: [uneven(0.2)] })).toEqual([])
  })
})

describe('E15, the gradient', () => {
  it('turns with every step', async () => {
    const found = await raised(uselessGradient, shattered(plain))
    expect(severities(found)).toEqual(['warning', 'warning'])
    expect(found[0]?.text).toMatch(/turn under noise of ε\/100: median cosine/)
    expect(found[1]?.text).toMatch(/^a step of ε\/10 along the gradient raises the loss of/)
  })
  it('leads somewhere', async () => {
    expect(await raised(uselessGradient, plain)).toEqual([])
    expect(await raised(uselessGradient, defended)).toEqual([])
  })
})

describe('E19, rounding', () => {
  /** Sums 64 grey values with signs: a third of a grey level each decides, where the sum is small. */
  const signs = Array.from({ length: 64 }, (_, p) => (p % 2 === 0 ? 1 : -1))
  const graph = linearOf([1, 8, 8], [signs, signs.map((sign) => -sign)], [0, 0])
  it('undoes what lies between grey levels', async () => {
    const all = samplesOf(2000, [1, 8, 8]).map((value) => Math.round(value * 255) / 255)
    const lead = (i: number): number =>
      signs.reduce((sum, sign, p) => sum + sign * all[i * 64 + p]!, 0)
    const near = Array.from({ length: 2000 }, (_, i) => i)
      .filter((i) => Math.abs(lead(i)) > 0.01 && Math.abs(lead(i)) < 0.07)
      .slice(0, 40)
    const x = Float32Array.from(near.flatMap((i) => [...all.subarray(i * 64, i * 64 + 64)]))
    const model = await openModel(graph)
    const labels = await predictionsOf(model, x, near.length)
    const changes = { x, labels, samples: near, threats: [linf(0.45 / 255)] }
    const [found] = await raised(rounding, model, changes)
    expect(found).toMatchObject({ severity: 'note' })
    expect(found?.text).toMatch(/^rounded to 8 bits, (\d+) of \1 adversarial examples fool no more/)
  })
  it('undoes little of what is large', async () => {
    expect(await raised(rounding, plain, { threats: [linf(0.3)] })).toEqual([])
  })
})

describe('E20, the deployed file', () => {
  it('is another network than the attacked one', async () => {
    const own = await prepareModel(plain)
    const other = await prepareModel(defended)
    const { forward, forwardOutput } = other
    const model = await ModelHandle.open({ ...own, forward, forwardOutput })
    const found = await raised(deployed, model)
    other.weights.close()
    expect(severities(found)).toEqual(['warning'])
    expect(found[0]?.text).toMatch(/disagree on \d+ of 96 samples/)
  })
  it('is the attacked one', async () => expect(await raised(deployed, plain)).toEqual([]))
})

describe('E23, a task with a solution', () => {
  it('is not solved where gradients are masked', async () => {
    const [found] = await raised(unitTest, binarized(plain))
    expect(found).toMatchObject({ severity: 'error', where: 'PGD-40, last layer replaced' })
    expect(found?.text).toMatch(/^finds \d of 32 adversarial examples that provably exist/)
  })
  it('is not solved by a poor attack', async () => {
    const attack = pgdWith({ steps: 1, relStepSize: 1e-3 })
    const [found] = await raised(unitTest, plain, { attack })
    expect(found).toMatchObject({ severity: 'error' })
  })
  it('is solved elsewhere, in other norms too', async () => {
    expect(await raised(unitTest, plain)).toEqual([])
    expect(await raised(unitTest, defended)).toEqual([])
    expect(await raised(unitTest, plain, { threats: [{ ...linf(1.5), norm: 'l2' }] })).toEqual([])
  })
  it('is solved where values go unequally far, and some not at all', async () => {
    expect(await raised(unitTest, plain, { threats: [uneven(0.2)] })).toEqual([])
  })
})

const inner = (nodes: Graph['nodes'], outputs: string[], inputs: Graph['inputs'] = []): Graph => ({
  ...graphOf({ nodes, outputs }),
  inputs,
})
const graphAttr = (value: Graph) => ({ kind: 'graph', value }) as const

describe('P14, loops', () => {
  const base = linearOf([4], [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], [0, 0, 0]) // prettier-ignore
  const pair = { x: samplesOf(4, [4]), labels: Int32Array.of(0, 1, 2, 0), samples: [0, 1, 2, 3] }
  const branches = {
    then_branch: graphAttr(inner([nodeOf('Neg', ['y'], ['minus'])], ['minus'])),
    else_branch: graphAttr(inner([nodeOf('Identity', ['y'], ['same'])], ['same'])),
  }
  const body = (condition: string): Graph =>
    inner(
      [
        nodeOf('Mul', ['state', 'state'], ['next']),
        nodeOf('ReduceMax', ['next'], ['most'], { keepdims: 0 }),
        nodeOf('Less', ['most', 'one'], ['isSmall']),
        nodeOf('Identity', [condition], ['on']),
      ],
      ['on', 'next'],
      [
        { name: 'round', dtype: 'int64', dims: [] },
        { name: 'go', dtype: 'bool', dims: [] },
        { name: 'state', dtype: 'float32', dims: ['N', 3] },
      ],
    )
  const initializers = {
    rounds: tensorOfInts([], [3]),
    yes: tensorOfBools([], [true]),
    one: { dtype: 'float32', dims: [], data: new Uint8Array(Float32Array.of(1).buffer) },
  } as const
  const loop = (condition: string): Graph =>
    withTail(
      base,
      [nodeOf('Loop', ['rounds', 'yes', 'y'], ['z'], { body: graphAttr(body(condition)) })],
      initializers,
    )

  it('that the input steers are found', async () => {
    const choice = withTail(
      base,
      [
        nodeOf('ReduceMax', ['y'], ['most'], { keepdims: 0 }),
        nodeOf('Less', ['most', 'one'], ['isSmall']),
        nodeOf('If', ['isSmall'], ['z'], branches),
      ],
      initializers,
    )
    const [branch] = await raised(loops, choice, pair)
    expect(branch).toMatchObject({ severity: 'warning' })
    expect(branch?.text).toContain('decides which branch')
    const [often] = await raised(loops, loop('isSmall'), pair)
    expect(often).toMatchObject({ severity: 'warning' })
    expect(often?.text).toContain('decides how often')
  })
  it('of fixed length are noted', async () => {
    expect(severities(await raised(loops, loop('go'), pair))).toEqual(['note'])
  })
  it('are not there', async () => expect(await raised(loops, base, pair)).toEqual([]))
})
