import { beforeAll, describe, expect, it } from 'vitest'
import type { Graph } from '../../../src/graph/ir.js'
import { approximations } from '../../../src/trust/preflight/approximations.js'
import { batchDependence } from '../../../src/trust/preflight/batch-dependence.js'
import { classCount } from '../../../src/trust/preflight/class-count.js'
import { gradientCheck } from '../../../src/trust/preflight/gradient-check.js'
import { gradientsMissing } from '../../../src/trust/preflight/gradients-missing.js'
import { inputKept } from '../../../src/trust/preflight/input-kept.js'
import { labelMapping } from '../../../src/trust/preflight/label-mapping.js'
import { logitScale } from '../../../src/trust/preflight/logit-scale.js'
import { normalisation } from '../../../src/trust/preflight/normalisation.js'
import { probabilities } from '../../../src/trust/preflight/probabilities.js'
import { inputRange } from '../../../src/trust/preflight/range.js'
import { saturation } from '../../../src/trust/preflight/saturation.js'
import { stochastic } from '../../../src/trust/preflight/stochastic.js'
import type { ModelHandle } from '../../../src/model/handle.js'
import {
  binarized,
  expecting,
  inTraining,
  mixing,
  noisy,
  quantized,
  saturated,
  softmaxTwice,
} from '../../helpers/broken-models.js'
import { bound, demoGraph, glyphs, linf, raised, severities } from '../../helpers/examination.js'
import { linearOf, openModel, samplesOf, withTail } from '../../helpers/networks.js'
import { nodeOf } from '../../helpers/graphs.js'

let plain: Graph
beforeAll(async () => {
  plain = await demoGraph('v2')
})

describe('P1, a random model', () => {
  it('is one whose passes differ', async () => {
    const [found] = await raised(stochastic, noisy(plain))
    expect(found).toMatchObject({ severity: 'error' })
    expect(found?.text).toMatch(/^5 passes over 32 samples differ: .* by up to 0\.\d+/)
  })
  it('is no other', async () => expect(await raised(stochastic, plain)).toEqual([]))
})

describe('P2, probabilities', () => {
  it('are an error where not even the logits before them are any', async () => {
    expect(severities(await raised(probabilities, softmaxTwice(plain)))).toEqual(['error'])
  })
  it('are noted where a Softmax makes them', async () => {
    const softmax = withTail(plain, [nodeOf('Softmax', [plain.outputs[0]!.name], ['p'])])
    expect(severities(await raised(probabilities, softmax))).toEqual(['note'])
  })
  it('are not logits', async () => expect(await raised(probabilities, plain)).toEqual([]))
})

describe('P3, training mode', () => {
  it('is found in a layer, and in what it does', async () => {
    const found = await raised(batchDependence, inTraining(plain))
    expect(found[0]?.text).toContain('node/fed (BatchNormalization)')
    expect(found[0]?.severity).toBe('error')
  })
  it('is found in scores that depend on the batch', async () => {
    const found = await raised(batchDependence, mixing(plain))
    expect(found.map(({ text }) => text)).toEqual([
      'samples of one batch influence each other: runs at a batch of 1',
    ])
  })
  it('is found in scores of a network that seemed to be free of it', async () => {
    const model = await openModel(plain)
    const mixed = new Proxy(model, {
      get(target, name) {
        if (name !== 'scores') return bound(target, name)
        return async (x: Float32Array, n: number, batch: number) => {
          const scores = await target.scores(x, n, batch)
          return scores.map((score) => score * (1 + (batch > 2 ? score : 0) / 10))
        }
      },
    })
    const [found] = await raised(batchDependence, mixed)
    expect(found?.text).toMatch(/^scores depend on the batch: .* differ by up to \d\.\d+/)
  })
  it('is not seen elsewhere', async () => expect(await raised(batchDependence, plain)).toEqual([]))
})

describe('P4, the range', () => {
  it('is wrong where the network wants another scale', async () => {
    const [found] = await raised(inputRange, expecting(plain, 1 / 255, 0))
    expect(found).toMatchObject({ severity: 'error' })
    expect(found?.text).toMatch(/as configured, 9\d\.\d % with values on 0 to 255$/)
  })
  it('is wrong where data lie outside, or in a corner of it', async () => {
    const { x } = glyphs()
    const [outside] = await raised(inputRange, plain, { x: x.map((value) => value * 255) })
    expect(outside?.text).toMatch(/data from 0 to 255, \d+\.\d+ % of the values outside/)
    const [corner] = await raised(inputRange, plain, { x: x.map((value) => value / 255) })
    expect(corner?.text).toContain('fill next to nothing of the declared range 0 to 1')
  })
  it('is right', async () => expect(await raised(inputRange, plain)).toEqual([]))
})

describe('P5, normalisation', () => {
  it('is missing', async () => {
    const [found] = await raised(normalisation, expecting(plain, 0.229, 0.485))
    expect(found).toMatchObject({ severity: 'error' })
    expect(found?.text).toMatch(/ % with mean and std of \S+ \(mean .*\) applied/)
  })
  it('is applied twice', async () => {
    // The class is how bright the one pixel is, in tenths: the greatest of 20·k·x − k².
    const [mean, std] = [0.1307, 0.3081]
    const ks = Array.from({ length: 11 }, (_, k) => k)
    const network = linearOf(
      [1, 1, 1],
      ks.map((k) => [(20 * k) / std]),
      ks.map((k) => -k * k - (20 * k * mean) / std),
    )
    const x = samplesOf(100, [1, 1, 1])
    const labels = Int32Array.from(x, (value) => Math.round(10 * value))
    const samples = Array.from({ length: 100 }, (_, i) => i)
    const [found] = await raised(normalisation, network, { x, labels, samples })
    expect(found?.text).toContain(' with mean and std of MNIST (mean 0.131) undone')
  })
  it('is right', async () => expect(await raised(normalisation, plain)).toEqual([]))
})

describe('P6, labels', () => {
  const { labels } = glyphs()
  it('are off by one', async () => {
    const changed = labels.map((label) => (label + 1) % 10)
    const [found] = await raised(labelMapping, plain, { labels: changed })
    expect(found?.text).toMatch(
      /^clean accuracy 0\.0 % of 96 samples, 9\d\.\d % with labels one higher/,
    )
  })
  it('are in another order', async () => {
    const many = glyphs(200)
    const changed = many.labels.map((label) => (label * 3) % 10)
    const [found] = await raised(labelMapping, plain, { ...many, labels: changed })
    expect(found?.text).toMatch(
      / 9\d\.\d % with another order of \d classes$|100\.0 % with another/,
    )
  })
  it('have nothing to do with the pictures', async () => {
    const changed = labels.map((_, i) => (i * 7) % 10)
    const [found] = await raised(labelMapping, plain, { labels: changed })
    expect(found?.text).toContain('no better than chance, 10.0 % of 10 classes')
  })
  it('are right', async () => expect(await raised(labelMapping, plain)).toEqual([]))
})

describe('P7, missing gradients', () => {
  it('are an error', async () => {
    const [found] = await raised(gradientsMissing, binarized(plain))
    expect(found).toMatchObject({ severity: 'error' })
    expect(found?.text).toContain('cross-entropy: 100.0 % zero')
  })
  it('are none of a saturated network, whose gradients are scaled', async () => {
    expect(await raised(gradientsMissing, saturated(plain))).toEqual([])
  })
})

describe('P8, approximations', () => {
  it('are named', async () => {
    const [found] = await raised(approximations, quantized(plain))
    expect(found).toMatchObject({ severity: 'warning' })
    expect(found?.text).toContain('node/rounded (Round)')
  })
  it('are refusals too', async () => {
    const [found] = await raised(approximations, inTraining(plain))
    expect(found?.text).toContain('no attack that needs a gradient can run')
  })
  it('are none', async () => expect(await raised(approximations, plain)).toEqual([]))
})

describe('P13, what is fed', () => {
  it('must come out of a pass as it went in', async () => {
    const model = await openModel(plain)
    const writing = new Proxy(model, {
      get(target, name) {
        if (name !== 'scores') return bound(target, name)
        const scores: ModelHandle['scores'] = async (x, n, batch) => {
          const found = await target.scores(x, n, batch)
          x[3] = 0.123
          return found
        }
        return scores
      },
    })
    const [found] = await raised(inputKept, writing)
    expect(found).toMatchObject({ severity: 'error' })
    expect(found?.text).toMatch(/1 were changed by a pass and 0 by a gradient/)
  })
  it('comes out of a sound model as it is', async () =>
    expect(await raised(inputKept, plain)).toEqual([]))
})

describe('P9, the gradient', () => {
  it('is wrong', async () => {
    const model = await openModel(plain)
    const wrong = new Proxy(model, {
      get(target, name) {
        if (name !== 'direction') return bound(target, name)
        return async (options: Parameters<ModelHandle['direction']>[0]) => {
          const program = await target.direction(options)
          const run: typeof program.session.run = async (feeds) => {
            const out = await program.session.run(feeds)
            const gradient = out['gradient']!
            const data = (gradient.data as Float32Array).map((value) => value * 1.3)
            return { ...out, gradient: { ...gradient, data } }
          }
          return { ...program, session: { run } }
        }
      },
    })
    const [found] = await raised(gradientCheck, wrong)
    expect(found).toMatchObject({ severity: 'error' })
    expect(found?.text).toMatch(/by more than 1 %, at (2[0-4]) of \1 samples/)
  })
  it('is right, of other networks too', async () => {
    expect(await raised(gradientCheck, plain)).toEqual([])
    expect(await raised(gradientCheck, await demoGraph('v1'))).toEqual([])
  })
  it('is a surrogate by design', async () => {
    expect(await raised(gradientCheck, quantized(plain))).toEqual([])
  })
})

describe('P10 and P11, logits', () => {
  it('are too large', async () => {
    const [flat] = await raised(saturation, saturated(plain))
    expect(flat?.text).toMatch(/of \d+\.\d % of \d+ clean samples is below 1e-6|of 100\.0 %/)
    const [large] = await raised(logitScale, saturated(plain))
    expect(large?.text).toMatch(/^logits reach \d+: .* wrong by more than 1e-3 for/)
  })
  it('are of a common size', async () => {
    expect(await raised(saturation, plain)).toEqual([])
    expect(await raised(logitScale, plain)).toEqual([])
  })
})

describe('P12, classes', () => {
  const pair = {
    x: samplesOf(8, [4]),
    labels: Int32Array.from({ length: 8 }, (_, i) => i % 2),
    samples: [0, 1, 2, 3, 4, 5, 6, 7],
  }
  const two = linearOf([4], [[1, 0, 0, 0], [0, 1, 0, 0]], [0, 0]) // prettier-ignore
  it('are too few for a loss', async () => {
    const [found] = await raised(classCount, two, pair)
    expect(found).toMatchObject({ severity: 'note' })
    expect(found?.text).toContain('the network has 2 classes: the dlr loss needs 3')
  })
  it('do not have that label, or that target', async () => {
    const labels = pair.labels.map((label) => label * 2)
    const threats = [{ ...linf(0.1), goal: { kind: 'targeted', target: 5 } as const }]
    const found = await raised(classCount, two, { ...pair, labels, threats })
    expect(severities(found)).toEqual(['error', 'error', 'note'])
    expect(found[0]?.text).toContain('4 of 8 labels')
  })
  it('fit', async () => expect(await raised(classCount, plain)).toEqual([]))
})
