import { describe, expect, it } from 'vitest'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { runAttack } from '../../../src/attack/host.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import type { Graph } from '../../../src/graph/ir.js'
import { tensorOfInts } from '../../../src/graph/tensor.js'
import { prepareModel } from '../../../src/model/prepare.js'
import { graphOf, nodeOf } from '../../helpers/graphs.js'
import {
  gradientError,
  mlpOf,
  noiseOf,
  openModel,
  predictionsOf,
  samplesOf,
} from '../../helpers/networks.js'

/** Flatten by a Reshape whose target is a constant. */
function reshaping(batch: number | string, target: readonly number[]): Graph {
  const graph = mlpOf([2, 3, 3], 4, { batch })
  const shape = { shape: tensorOfInts([target.length], target) }
  return {
    ...graph,
    initializers: { ...graph.initializers, ...shape },
    nodes: graph.nodes.map((node) =>
      node.op === 'Flatten' ? nodeOf('Reshape', ['x', 'shape'], ['flat']) : node,
    ),
  }
}

/** Every sample is moved by the mean of its batch. */
function mixing(batch: number | string): Graph {
  const graph = mlpOf([6], 3, { batch })
  return {
    ...graph,
    nodes: [
      nodeOf('ReduceMean', ['x', 'axes'], ['mean'], { keepdims: 1 }),
      nodeOf('Sub', ['x', 'mean'], ['centred']),
      nodeOf('Add', ['x', 'centred'], ['moved']),
      nodeOf('Flatten', ['moved'], ['flat'], { axis: 1 }),
      ...graph.nodes.slice(1),
    ],
    initializers: { ...graph.initializers, axes: tensorOfInts([1], [0]) },
  }
}

describe('the batch of a network', () => {
  it.each([
    ['that is free stays free', mlpOf([2, 3, 3], 4)],
    ['of 1, fixed by the input alone, is freed', mlpOf([2, 3, 3], 4, { batch: 1 })],
    ['of 4, fixed by the input alone, is freed', mlpOf([2, 3, 3], 4, { batch: 4 })],
    ['of 1, baked into a Reshape, is freed', reshaping(1, [1, 18])],
    ['of 5, baked into a Reshape, is freed', reshaping(5, [5, 18])],
    ['of 1, baked into a Reshape with −1, is freed', reshaping(1, [1, -1])],
    ['baked into a Reshape of a free input is freed', reshaping('N', [1, 18])],
  ])('%s', async (_, graph) => {
    const model = await prepareModel(graph)
    expect(model).toMatchObject({ batch: null, notes: [], classes: 4 })
    expect(await gradientError(model, { loss: 'ce' })).toBeLessThan(0.01)
  })

  it('folded into another axis on the way is freed by inference', async () => {
    const graph = graphOf({
      inputs: { x: [1, 4, 5] },
      initializers: {
        rows: tensorOfInts([2], [4, 5]),
        back: tensorOfInts([2], [1, 12]),
        w: noiseOf([5, 3]),
        w2: noiseOf([12, 3]),
      },
      nodes: [
        nodeOf('Reshape', ['x', 'merge'], ['rows_of_all']),
        nodeOf('MatMul', ['rows_of_all', 'w'], ['h']),
        nodeOf('Reshape', ['h', 'back'], ['flat']),
        nodeOf('MatMul', ['flat', 'w2'], ['y']),
      ],
    })
    const merged = {
      ...graph,
      initializers: { ...graph.initializers, merge: tensorOfInts([2], [-1, 5]) },
    }
    const model = await prepareModel(merged)
    expect(model).toMatchObject({ batch: null, notes: [], classes: 3 })
  })

  it('that cannot be freed stays, is noted, and attacks work through padding', async () => {
    // Only with a batch of 1 is [18] a sample; the row is added again before the matrix.
    const graph = reshaping(1, [18])
    const fixed = {
      ...graph,
      initializers: { ...graph.initializers, zero: tensorOfInts([1], [0]) },
      nodes: [
        nodeOf('Reshape', ['x', 'shape'], ['vector']),
        nodeOf('Unsqueeze', ['vector', 'zero'], ['flat']),
        ...graph.nodes.slice(1),
      ],
    }
    const [bound, free] = [await openModel(fixed), await openModel(mlpOf([2, 3, 3], 4))]
    expect(bound.prepared.batch).toBe(1)
    expect(bound.prepared.notes).toEqual(['cannot be re-batched: runs at its fixed batch of 1'])
    const x = samplesOf(9, [2, 3, 3])
    const labels = await predictionsOf(free, x, 9)
    expect(await predictionsOf(bound, x, 9)).toEqual(labels)
    const results = await Promise.all(
      [bound, free].map((model) =>
        runAttack({
          model,
          plugin: pgd,
          spec: new AttackRegistry([pgd]).specify('pgd', { steps: 5 }),
          threat: { norm: 'linf', epsilon: 0.2, bounds: [0, 1], goal: { kind: 'untargeted' } },
          x,
          labels,
          samples: Array.from(labels, (_, i) => i),
          seed: 1,
          batch: 4,
          isCancelled: () => false,
        }),
      ),
    )
    const [ofBound, ofFree] = results.map((result) => result.outcomes.map((one) => one.success))
    expect(ofBound).toEqual(ofFree)
    expect(ofBound).toContain(true)
    expect(results[0]!.notes).toEqual(bound.prepared.notes)
    await Promise.all([bound.close(), free.close()])
  })

  it('of several that cannot be freed is filled up', async () => {
    const graph = reshaping(3, [54])
    const fixed = {
      ...graph,
      initializers: { ...graph.initializers, pair: tensorOfInts([2], [-1, 18]) },
      nodes: [
        nodeOf('Reshape', ['x', 'shape'], ['vector']),
        nodeOf('Reshape', ['vector', 'pair'], ['flat']),
        ...graph.nodes.slice(1),
      ],
    }
    const [bound, free] = [await openModel(fixed), await openModel(mlpOf([2, 3, 3], 4))]
    expect(bound.prepared).toMatchObject({
      batch: 3,
      notes: ['cannot be re-batched: runs at its fixed batch of 3'],
    })
    const x = samplesOf(7, [2, 3, 3])
    expect(await bound.scores(x, 7, 64)).toEqual(await free.scores(x, 7, 64))
    await Promise.all([bound.close(), free.close()])
  })

  it('whose samples influence each other is noticed: one sample a call', async () => {
    for (const batch of ['N', 1]) {
      const model = await prepareModel(mixing(batch))
      expect(model.batch, `${batch}`).toBe(1)
      expect(model.notes).toEqual([
        'samples of one batch influence each other: runs at a batch of 1',
      ])
    }
  })

  it('of several whose samples influence each other is refused', async () => {
    await expect(prepareModel(mixing(4))).rejects.toMatchObject({
      code: 'GNT_MODEL_UNSUPPORTED',
      message: expect.stringContaining('depends on the other samples of its batch'),
    })
  })

  it('of a network that draws random numbers is not taken for one that mixes', async () => {
    const graph = mlpOf([6], 3)
    const random = {
      ...graph,
      nodes: [
        nodeOf('RandomNormalLike', ['x'], ['noise']),
        nodeOf('Add', ['x', 'noise'], ['flat']),
        ...graph.nodes.slice(1),
      ],
    }
    const model = await prepareModel(random)
    expect(model).toMatchObject({ batch: 1, notes: ['gives different outputs for the same input'] })
  })
})
