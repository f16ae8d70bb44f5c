import { z } from 'zod'
import { describe, expect, it } from 'vitest'
import { fgsm } from '../../../attacks/evasion/fgsm.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { runAttack } from '../../../src/attack/host.js'
import type { AttackJob, AttackResult } from '../../../src/attack/job.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { defineAttack, type AttackContext, type AttackPlugin } from '../../../src/attack/types.js'
import type { Graph } from '../../../src/graph/ir.js'
import { tensorOfFloats } from '../../../src/graph/tensor.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import { distance } from '../../../src/threat/ball.js'
import type { ThreatModel } from '../../../src/threat/threat-model.js'
import { nodeOf } from '../../helpers/graphs.js'
import { mlpOf, openModel, predictionsOf, samplesOf, withTail } from '../../helpers/networks.js'

const size = 8
const n = 12
const x = samplesOf(n, [size])
const network = mlpOf([size], 3)
const linf: ThreatModel = {
  norm: 'linf',
  epsilon: 0.1,
  bounds: [0, 1],
  goal: { kind: 'untargeted' },
}

function pluginOf(run: (context: AttackContext) => Promise<void>): AttackPlugin {
  return defineAttack({
    id: 'test',
    version: 1,
    title: 'test',
    source: 'test',
    kind: 'fixed-epsilon',
    needs: ['labels'],
    norms: ['linf', 'l2', 'l1'],
    goals: ['untargeted', 'targeted'],
    restarts: 1,
    params: z.object({}),
    label: () => 'test',
    run,
  })
}

async function attack(
  model: ModelHandle,
  plugin: AttackPlugin,
  change: Partial<AttackJob> & { params?: Record<string, unknown> } = {},
): Promise<AttackResult> {
  const { params, ...rest } = change
  return runAttack({
    model,
    plugin,
    spec: new AttackRegistry([plugin]).specify(plugin.id, params),
    threat: linf,
    x,
    labels: await predictionsOf(model, x, n),
    samples: Array.from({ length: n }, (_, i) => i),
    seed: 1,
    batch: 5,
    isCancelled: () => false,
    ...rest,
  })
}

const rowOf = (array: Float32Array, i: number): Float32Array =>
  array.subarray(i * size, (i + 1) * size)

describe.each(['linf', 'l2', 'l1'] as const)('a plugin that lies, %s', (norm) => {
  const threat: ThreatModel = { ...linf, norm }
  const lies: [string, (x: Float32Array, out: Float32Array) => void][] = [
    ['far outside the ball', (_, out) => out.fill(1e6)],
    ['outside the range', (_, out) => out.fill(-3)],
    ['NaN', (_, out) => out.fill(NaN)],
    [
      'NaN here and there',
      (clean, out) => out.set(clean.map((v, i) => (i % 3 === 0 ? NaN : v + 9))),
    ],
    ['infinite', (_, out) => out.fill(Infinity)],
    ['minus infinite', (_, out) => out.fill(-Infinity)],
    [
      'writing into the clean sample',
      (clean, out) => {
        clean.fill(0.9)
        out.fill(0.9)
      },
    ],
  ]

  it.each(lies)('%s: is held to ball and range, and judged', async (_, write) => {
    const model = await openModel(network)
    const plugin = pluginOf(async (context) => {
      for (let i = 0; i < 3; i++) await context.propose((clean, _rng, out) => write(clean, out))
    })
    const { outcomes, xAdv } = await attack(model, plugin, { threat })
    const own = await predictionsOf(model, xAdv, n)
    outcomes.forEach((outcome, i) => {
      expect(outcome.distance).toBeLessThanOrEqual(threat.epsilon)
      expect(outcome.distance).toBe(distance(norm, rowOf(xAdv, i), rowOf(x, i)))
      expect(outcome.adversarialPrediction).toBe(own[i])
      expect(outcome.success).toBe(own[i] !== outcome.label)
    })
    expect(xAdv.every((value) => value >= 0 && value <= 1)).toBe(true)
    await model.close()
  })

  it('NaN and infinities are reported', async () => {
    const model = await openModel(network)
    for (const value of [NaN, Infinity]) {
      const plugin = pluginOf((context) => context.propose((_x, _rng, out) => void out.fill(value)))
      const { notes } = await attack(model, plugin, { threat })
      expect(notes).toEqual([
        'points with NaN or infinite values were repaired: a gradient may not be finite',
      ])
    }
    await model.close()
  })
})

describe('the host', () => {
  it('does not let a plugin change the threat model', async () => {
    const model = await openModel(network)
    const plugin = pluginOf(async ({ threat }) => {
      ;(threat as { epsilon: number }).epsilon = 5
    })
    await expect(attack(model, plugin)).rejects.toThrow(TypeError)
    expect(linf.epsilon).toBe(0.1)
    const wider = pluginOf(async ({ threat }) => {
      ;(threat.bounds as unknown as number[])[1] = 5
    })
    await expect(attack(model, wider)).rejects.toThrow(TypeError)
    await model.close()
  })

  it('says when a plugin does not wait', async () => {
    const model = await openModel(network)
    const twice = pluginOf(async (context) => {
      await Promise.all([context.score(), context.score()])
    })
    await expect(attack(model, twice)).rejects.toThrow('test did not wait for its last step')
    let last: Promise<void> | undefined
    const leaves = pluginOf(async (context) => {
      last = context.score()
    })
    await expect(attack(model, leaves)).rejects.toThrow('test did not wait for its last step')
    await last
    await model.close()
  })

  it.each([NaN, 0, -1, Infinity, 1e39])('refuses a step size of %s', async (stepSize) => {
    const model = await openModel(network)
    const plugin = pluginOf((context) => context.step({ loss: 'ce', stepSize }))
    await expect(attack(model, plugin)).rejects.toMatchObject({
      code: 'GNT_ATTACK_PARAMS',
      message: expect.stringContaining(`got ${stepSize}`),
    })
    await model.close()
  })

  it.each([3, -1, 0.5, NaN])('refuses a target class of %s', async (target) => {
    const model = await openModel(network)
    const threat: ThreatModel = { ...linf, goal: { kind: 'targeted', target } }
    await expect(attack(model, pgd, { threat })).rejects.toMatchObject({
      code: 'GNT_ATTACK_NEEDS',
      message: expect.stringContaining('expected 0 to 2'),
    })
    await model.close()
  })

  it('takes an empty shard', async () => {
    const model = await openModel(network)
    const empty = { x: new Float32Array(0), labels: new Int32Array(0), samples: [] }
    expect(await attack(model, pgd, empty)).toMatchObject({ outcomes: [], notes: [] })
    await model.close()
  })

  it('judges the last point of an attack that never asks', async () => {
    const model = await openModel(network)
    const plugin = pluginOf(async (context) => context.start('random'))
    const { outcomes, xAdv } = await attack(model, plugin)
    const own = await predictionsOf(model, xAdv, n)
    outcomes.forEach((outcome, i) => {
      expect(outcome).toMatchObject({ adversarialPrediction: own[i], queries: 2 })
      expect(outcome.distance).toBeGreaterThan(0)
    })
    await model.close()
  })
})

/** y with class 1 made NaN or infinite where x₀ is above `from`. */
function breaking(value: number, from: number): Graph {
  return withTail(
    network,
    [
      nodeOf('Slice', ['x', 'zero', 'one', 'axis'], ['first']),
      nodeOf('Greater', ['first', 'from'], ['above']),
      nodeOf('Where', ['above', 'broken', 'nothing'], ['extra']),
      nodeOf('Add', ['y', 'extra'], ['scores']),
    ],
    {
      zero: ints(0),
      one: ints(1),
      axis: ints(1),
      from: tensorOfFloats([], [from]),
      broken: tensorOfFloats([3], [0, value, 0]),
      nothing: tensorOfFloats([3], [0, 0, 0]),
    },
  )
}

const ints = (value: number) => ({
  dtype: 'int64' as const,
  dims: [1],
  data: new Uint8Array(BigInt64Array.of(BigInt(value)).buffer),
})

describe('a model that gives NaN or infinity', () => {
  it.each([
    ['NaN', NaN],
    ['infinity', Infinity],
  ])('%s on clean samples: they are not counted as right', async (_, value) => {
    const model = await openModel(breaking(value, -1))
    // The label is what an argmax over such scores would give.
    const labels = await predictionsOf(model, x, n)
    const { outcomes } = await attack(model, fgsm, { labels })
    for (const [i, outcome] of outcomes.entries()) {
      expect(outcome.success).toBe(false)
      expect(outcome.cleanPrediction).not.toBe(labels[i])
      expect(outcome.gradients).toBe(0)
    }
    await model.close()
  })

  it.each([
    ['NaN', NaN],
    ['infinity', Infinity],
  ])('%s under attack: no success, and said in the notes', async (_, value) => {
    const dark = x.map((v, i) => (i % size === 0 ? 0.2 : v))
    const model = await openModel(breaking(value, 0.2))
    const labels = await predictionsOf(model, dark, n)
    // Moves only the value that breaks the model.
    const plugin = pluginOf((context) =>
      context.propose((clean, _rng, out) => {
        out.set(clean)
        out[0] = 0.3
      }),
    )
    const { outcomes, notes } = await attack(model, plugin, { x: dark, labels })
    expect(notes).toEqual(['the model gave NaN or infinite scores under attack'])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ success: false, distance: 0 })
    await model.close()
  })

  it('minus infinity for a class that is ruled out is a score', async () => {
    const model = await openModel(breaking(-Infinity, -1))
    const labels = await predictionsOf(model, x, n)
    expect(labels).not.toContain(1)
    const { outcomes, notes } = await attack(model, pgd, {
      labels,
      threat: { ...linf, epsilon: 0.9 },
      params: { loss: 'margin' },
    })
    expect(notes).toEqual([])
    outcomes.forEach((outcome, i) => expect(outcome.cleanPrediction).toBe(labels[i]))
    await model.close()
  })
})
