import { describe, expect, it } from 'vitest'
import { builtInAttacks } from '../../../attacks/index.js'
import { AttackRegistry } from '../../../src/attack/registry.js'
import { checkFit } from '../../../src/cli/flows/checks.js'
import { runAttack } from '../../../src/attack/host.js'
import type { ThreatModel } from '../../../src/threat/threat-model.js'
import { createRng } from '../../../src/util/rng.js'
import { linearOf, openModel, predictionsOf, samplesOf } from '../../helpers/networks.js'

const [size, n] = [20, 40]
/** From a hundredth to a hundred: steps that are alike for all values reach next to nothing. */
const scale = Array.from({ length: size }, (_, i) => 10 ** ((i % 5) - 2))
const registry = new AttackRegistry(builtInAttacks)
const threat = (epsilon: number): ThreatModel => ({
  norm: 'linf',
  epsilon,
  bounds: [-1000, 1000],
  goal: { kind: 'untargeted' },
  features: { scale },
})
const scaling = builtInAttacks.filter(({ scales, norms }) => scales && norms.includes('linf'))

describe('columns whose values go unequally far', () => {
  // The model has two classes, too few for the ratio of logits.
  const own = scaling.filter(({ id, needs }) => needs.includes('gradient') && id !== 'apgd-dlr')
  it.each(own.map((one) => [one.id, one] as const))(
    '%s finds what a linear model hides there',
    async (id, plugin) => {
      const rng = createRng('scales')
      const weights = [0, 1].map(() => scale.map((factor) => rng.normal() / factor))
      const difference = weights[1]!.map((w, i) => w - weights[0]![i]!)
      const model = await openModel(linearOf([size], weights, [0, 0]))
      const x = samplesOf(n, [size], 3, [-1, 1]).map((value, i) => value * scale[i % size]!)
      const labels = await predictionsOf(model, x, n)
      const reach = difference.reduce((sum, w, i) => sum + Math.abs(w) * scale[i]!, 0)
      const least = Array.from({ length: n }, (_, i) => {
        const gap = difference.reduce((sum, w, k) => sum + w * x[i * size + k]!, 0)
        return Math.abs(gap) / reach
      })
      // A single perturbation for all, and a random step, do not reach the least epsilon.
      const factor = id === 'universal' || id === 'rfgsm' ? 8 : 1.1
      const { outcomes } = await runAttack({
        model,
        plugin,
        spec: registry.specify(id),
        threat: threat(factor * Math.max(...least)),
        x,
        labels,
        samples: Array.from({ length: n }, (_, i) => i),
        seed: 1,
        batch: 16,
        isCancelled: () => false,
      })
      const found = outcomes.filter(({ success }) => success).length
      expect(found).toBeGreaterThanOrEqual(id === 'universal' || id === 'rfgsm' ? n / 2 : n)
      await model.close()
    },
  )

  it('are refused to attacks whose steps do not follow them', () => {
    const fit = (id: string): void => checkFit(registry, registry.specify(id), threat(1))
    for (const id of ['fab', 'fmn', 'cw', 'ni-fgsm', 'hopskipjump', 'sign-flip'])
      expect(() => fit(id)).toThrow(/would be weak where columns have scales.*expected one of fgsm/)
    for (const { id } of scaling) expect(() => fit(id)).not.toThrow()
    // Immutable columns alone are no reason.
    const fixed = { ...threat(1), features: { scale: [0, 1] } }
    expect(() => checkFit(registry, registry.specify('fab'), fixed)).not.toThrow()
  })
})
