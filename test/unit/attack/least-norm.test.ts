import { describe, expect, it } from 'vitest'
import { apgdDlr } from '../../../attacks/evasion/apgd-dlr.js'
import { apgdT } from '../../../attacks/evasion/apgd-t.js'
import { autoattack } from '../../../attacks/evasion/autoattack.js'
import { fab } from '../../../attacks/evasion/fab.js'
import { fabT } from '../../../attacks/evasion/fab-t.js'
import { checkpoints } from '../../../attacks/evasion/lib/apgd-track.js'
import { runAttack } from '../../../src/attack/host.js'
import type { AttackJob, AttackResult } from '../../../src/attack/job.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import type { AttackPlugin } from '../../../src/attack/types.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import type { ThreatModel } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'
import { leastStep } from '../../helpers/planes.js'
import { linearOf, mlpOf, openModel, predictionsOf, samplesOf } from '../../helpers/networks.js'

const [size, n] = [30, 24]
const count = (list: readonly boolean[]): number => list.filter(Boolean).length
const rng = createRng('least-norm')
const weights = [0, 1].map(() => Array.from({ length: size }, () => rng.normal()))
const x = samplesOf(n, [size])

async function attack(
  model: ModelHandle,
  plugin: AttackPlugin,
  threat: Omit<ThreatModel, 'goal'>,
  { params = {}, ...more }: Partial<AttackJob> & { params?: Record<string, unknown> } = {},
): Promise<AttackResult> {
  return runAttack({
    model,
    plugin,
    spec: new AttackRegistry([plugin]).specify(plugin.id, params),
    threat: { ...threat, goal: { kind: 'untargeted' } },
    x,
    labels: await predictionsOf(model, x, n),
    samples: Array.from({ length: n }, (_, i) => i),
    seed: 3,
    batch: 16,
    isCancelled: () => false,
    ...more,
  })
}

describe.each(['linf', 'l2', 'l1'] as const)('%s', (norm) => {
  it.each([
    ['fab', fab, {}],
    ['fab from three points', fab, { starts: 3 }],
    ['fab-t', fabT, {}],
  ] as const)('%s finds the least norm of a linear model in its box', async (_, plugin, more) => {
    const model = await openModel(linearOf([size], weights, [0.1, -0.2]))
    const labels = await predictionsOf(model, x, n)
    const threat = { norm, epsilon: 1e6, bounds: [0, 1] as const }
    const params = { steps: 20, ...more }
    const { outcomes } = await attack(model, plugin, threat, { params, search: 'closest' })
    const [first, second] = weights as [number[], number[]]
    outcomes.forEach(({ success, distance }, i) => {
      const sample = x.subarray(i * size, (i + 1) * size)
      const w = Float32Array.from(second, (value, k) => value - first[k]!)
      const gap = -0.3 + w.reduce((sum, value, k) => sum + value * sample[k]!, 0)
      const side = labels[i] === 0 ? 1 : -1
      const need = -gap + side * 1e-6
      const { out, length: least } = leastStep(norm, sample, w, need, [0, 1])
      const moved = out.reduce((sum, value, k) => sum + value * w[k]!, 0)
      // The box may end before the border.
      const isReachable = Math.abs(moved - need) < 1e-4
      expect(success).toBe(isReachable)
      if (isReachable) expect(distance).toBeLessThan(1.01 * least + 1e-6)
      if (isReachable) expect(distance).toBeGreaterThan(0.999 * least - 1e-6)
    })
    await model.close()
  })
})

it('checkpoints are those of the paper', () => {
  expect(checkpoints('linf', 100)).toEqual([22, 41, 57, 70, 80, 87, 93, 99])
  expect(checkpoints('l2', 3)).toEqual([1, 2, 3])
  expect(checkpoints('l1', 100).slice(0, 3)).toEqual([4, 8, 12])
})

describe('few classes', () => {
  it('with two or three, apgd-t and autoattack do without the ratio, and say so', async () => {
    for (const classes of [2, 3]) {
      const model = await openModel(mlpOf([size], classes))
      const threat = { norm: 'linf', epsilon: 0.2, bounds: [0, 1] } as const
      for (const plugin of [apgdT, autoattack]) {
        const { outcomes, notes } = await attack(model, plugin, threat, {
          params: { steps: 10, ...(plugin === autoattack ? { queries: 20 } : {}) },
        })
        expect(outcomes.some(({ success }) => success)).toBe(true)
        expect(notes.join()).toContain('4 classes')
      }
      await model.close()
    }
  })

  it('apgd-dlr refuses two', async () => {
    const model = await openModel(mlpOf([size], 2))
    const threat = { norm: 'linf', epsilon: 0.2, bounds: [0, 1] } as const
    await expect(attack(model, apgdDlr, threat)).rejects.toMatchObject({ code: 'GNT_ATTACK_NEEDS' })
    await model.close()
  })
})

it('a chain adds up: AutoAttack leaves no more standing than any of its parts', async () => {
  const model = await openModel(mlpOf([size], 5, { hidden: 24 }))
  for (const norm of ['linf', 'l2', 'l1'] as const) {
    const threat = {
      norm,
      epsilon: { linf: 0.06, l2: 0.25, l1: 0.8 }[norm],
      bounds: [0, 1],
    } as const
    const fallen = async (plugin: AttackPlugin): Promise<boolean[]> => {
      const { outcomes } = await attack(model, plugin, threat, {
        params: { steps: 30, ...(plugin === autoattack ? { queries: 50 } : {}) },
      })
      return outcomes.map(({ success }) => success)
    }
    const whole = await fallen(autoattack)
    expect(whole).toContain(true)
    expect(whole).toContain(false)
    for (const part of [apgdT, fabT])
      expect(count(await fallen(part))).toBeLessThanOrEqual(count(whole))
  }
  await model.close()
})
