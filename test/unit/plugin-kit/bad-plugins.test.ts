import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { deepfool } from '../../../attacks/evasion/deepfool.js'
import { noise } from '../../../attacks/evasion/noise.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { runAttack } from '../../../src/attack/host.js'
import type { Outcome } from '../../../src/plan/task.js'
import {
  defineAttack,
  type AttackContext,
  type AttackPlugin,
  type UpdateRule,
} from '../../../src/plugin.js'
import { kitOf, type KitOptions } from '../../../src/plugin-kit/index.js'

/** A sound attack with something changed. */
function attackOf(
  run: (context: AttackContext) => Promise<void>,
  change: Partial<AttackPlugin> = {},
): AttackPlugin {
  return {
    ...defineAttack({
      id: 'bad',
      version: 1,
      title: 'bad',
      source: 'none',
      kind: 'fixed-epsilon',
      needs: ['gradient'],
      norms: ['linf'],
      goals: ['untargeted'],
      restarts: 1,
      params: z.object({}),
      label: () => 'bad',
      run,
    }),
    ...change,
  }
}

const climb = async (context: AttackContext): Promise<void> => {
  for (let step = 0; step < 3 && context.living > 0; step++)
    await context.step({ loss: 'ce', stepSize: context.threat.epsilon / 2 })
}

/** Ascends in all norms and is never brought back. */
const unprojected: UpdateRule = {
  state: {},
  build: (u) => ({ next: u.emit('Add', [u.xAdv, u.ascend(u.gradient)]), state: {} }),
}
const leaves = async (context: AttackContext): Promise<void> => {
  for (let step = 0; step < 3 && context.living > 0; step++)
    await context.step({ loss: 'ce', stepSize: context.threat.epsilon, update: unprojected })
}

/** Judges as the host does, and then tells something else. */
function lyingHost(change: (outcome: Outcome, restarts: number) => Partial<Outcome>) {
  return async (job: Parameters<typeof runAttack>[0]) => {
    const result = await runAttack(job)
    const outcomes = result.outcomes.map((one) => ({
      ...one,
      ...change(one, job.spec.restarts),
    }))
    return { ...result, outcomes }
  }
}

const finds = (share: number) =>
  attackOf(async (context) => {
    for (let step = 0; step < 40 && context.living > 0; step++)
      await context.step({ loss: 'ce', stepSize: (context.threat.epsilon * share) / 40 })
  })

let calls = 0

interface Bad {
  readonly check: string
  readonly title: string
  readonly plugin: AttackPlugin
  readonly options?: KitOptions
  readonly says: RegExp
}

const cases: readonly Bad[] = [
  {
    check: 'declares what it takes',
    title: 'a parameter without a word',
    plugin: attackOf(climb, { params: z.object({ steps: z.int().default(3) }) }),
    says: /without \.describe\(\): steps/,
  },
  {
    check: 'declares what it takes',
    title: 'a parameter without a default',
    plugin: attackOf(climb, { params: z.object({ steps: z.int().describe('steps') }) }),
    says: /GNT_ATTACK_PARAMS: missing value \(parameter steps of bad\)/,
  },
  {
    check: 'declares what it takes',
    title: 'a label of two lines',
    plugin: attackOf(climb, { label: () => 'two\nlines' }),
    says: /label is "two\\nlines"/,
  },
  ...(['linf', 'l2', 'l1'] as const).map((norm) => ({
    check: 'stays within epsilon and bounds',
    title: `an update without a projection, ${norm}`,
    plugin: attackOf(leaves, { norms: [norm] }),
    says: /next point \d[\d.]* outside the (ball of radius epsilon|bounds): end it with u\.project/,
  })),
  {
    check: 'stays within epsilon and bounds',
    title: 'a distance that is made up',
    plugin: pgd,
    options: { host: lyingHost(({ distance }) => ({ distance: distance / 2 })) },
    says: /the distance is 0\.\d+, and is said to be 0\.\d+/,
  },
  {
    check: 'gives finite points',
    title: 'NaN',
    plugin: attackOf((context) => context.propose((_x, _rng, out) => void out.fill(NaN))),
    says: /points with NaN or infinite values were repaired/,
  },
  {
    check: 'counts as success what the model itself says, and nothing else',
    title: 'a success that is none',
    plugin: pgd,
    options: { host: lyingHost(() => ({ success: true })) },
    says: /sample \d+ of class \d, predicted \d and then \d, counts as a success/,
  },
  {
    check: 'counts as success what the model itself says, and nothing else',
    title: 'a prediction that is none',
    plugin: pgd,
    options: { host: lyingHost(() => ({ adversarialPrediction: 3 })) },
    says: /is filed as \{"sample":100/,
  },
  {
    check: 'looking for the closest example finds no fewer within epsilon',
    title: 'works every other time',
    plugin: {
      ...deepfool,
      run: async (context, params) => {
        if (calls++ % 2 === 0) await deepfool.run(context, params as never)
      },
    },
    says: /sample \d+: 0, where the first example was at 0\.\d+/,
  },
  ...[
    'the same seed gives the same bytes, in any batch',
    'convolutions give the same bytes in any batch',
  ].map((check) => ({
    check,
    title: 'random numbers of its own',
    plugin: attackOf((context) =>
      context.propose((x, _rng, out) => {
        x.forEach((value, i) => (out[i] = value + 0.1 * Math.random()))
      }),
    ),
    says: /\d+ (of 40 outcomes|outcomes or their points) differ in batches of \d+/,
  })),
  {
    check: 'another seed gives another result, or none does',
    title: 'random, and said not to be',
    plugin: noise,
    options: { isRandom: false },
    says: /two seeds give two results/,
  },
  {
    check: 'another seed gives another result, or none does',
    title: 'not random, and said to be',
    plugin: attackOf(climb),
    options: { isRandom: true },
    says: /two seeds give the same points/,
  },
  {
    check: 'a sample fares the same whatever else is in its shard',
    title: 'steps by the number of samples',
    plugin: attackOf((context) =>
      context.step({ loss: 'ce', stepSize: context.threat.epsilon / context.living }),
    ),
    says: /\d of 6 samples end elsewhere in another company/,
  },
  {
    check: 'says what it cost',
    title: 'asks on after its end',
    plugin: attackOf(async (context) => {
      await climb(context)
      setTimeout(() => void context.score().catch(() => {}), 2)
    }),
    says: /\d+ queries are told, \d+ passed through the model/,
  },
  {
    check: 'says what it cost',
    title: 'takes gradients, and declares scores only',
    plugin: attackOf(climb, { needs: ['scores'] }),
    says: /takes \d+ gradients and does not declare/,
  },
  {
    check: 'says what it cost',
    title: 'costs that are halved',
    plugin: pgd,
    options: { host: lyingHost(({ gradients }) => ({ gradients: gradients / 2 })) },
    says: /\d+ gradients are told, \d+ passed through the model/,
  },
  {
    check: 'fallen samples cost no more',
    title: 'asks the fallen again',
    plugin: pgd,
    options: { host: lyingHost(({ queries }, restarts) => ({ queries: queries + restarts })) },
    says: /sample \d+ fell after \d+ queries, and was asked \d+ times/,
  },
  {
    check: 'fallen samples cost no more',
    title: 'restarts nothing',
    plugin: pgd,
    options: { host: (job) => runAttack({ ...job, spec: { ...job.spec, restarts: 1 } }) },
    says: /sample \d+ stands after \d+ queries, and restarts add none/,
  },
  {
    check: 'leaves alone what the model gets wrong',
    title: 'attacks them',
    plugin: pgd,
    options: { host: lyingHost(() => ({ queries: 2 })) },
    says: /sample 4 is filed as/,
  },
  {
    check: 'leaves alone what is its own target',
    title: 'attacks them',
    plugin: pgd,
    options: { host: lyingHost(() => ({ gradients: 1 })) },
    says: /(\d+) of \1 samples of the target's class are attacked/,
  },
  {
    check: 'ends at the next call when it is told to stop',
    title: 'catches the interruption',
    plugin: attackOf(async (context) => {
      for (let step = 0; step < 9; step++) await context.score().catch(() => {})
    }),
    says: /it catches the interruption and calls \d+ times more/,
  },
  {
    check: 'ends at the next call when it is told to stop',
    title: 'ends in an error of its own',
    plugin: attackOf(async (context) => {
      for (let step = 0; step < 9; step++)
        await context.score().catch(() => {
          throw new TypeError('what now?')
        })
    }),
    says: /it ends with TypeError: what now\?/,
  },
  {
    check: 'gives finite points',
    title: 'never ends',
    plugin: attackOf(async (context) => {
      while (context.living > 0) await context.score()
    }),
    options: { patience: 0.3 },
    says: /it did not end within 0\.3 s on 40 small samples/,
  },
  {
    check: 'gives finite points',
    title: 'throws',
    plugin: attackOf(async () => {
      throw new RangeError('out of luck\nand more')
    }),
    says: /^RangeError: out of luck$/,
  },
  ...(['linf', 'l2', 'l1'] as const).flatMap((norm) => [
    {
      check: 'beats noise on a linear model, and finds its least epsilon',
      title: `is noise, and says it has gradients, ${norm}`,
      plugin: attackOf((context) => noise.run(context, { tries: 50 }), { norms: [norm] }),
      says: /at 1\.05 times the least epsilon it fools \d of 40, 40 or more/,
    },
    {
      check: 'beats noise on a linear model, and finds its least epsilon',
      title: `goes nine tenths of the way, ${norm}`,
      plugin: { ...finds(0.9), norms: [norm] },
      says: /at 1\.05 times the least epsilon it fools 0 of 40, 40 or more/,
    },
  ]),
  {
    check: 'beats noise on a linear model, and finds its least epsilon',
    title: 'does nothing, by scores',
    plugin: attackOf((context) => context.score(), { needs: ['scores'] }),
    says: /at 2 times the least epsilon it fools 0 of 40, 20 or more/,
  },
  {
    check: 'beats noise on a linear model, and finds its least epsilon',
    title: 'no better than noise',
    plugin: attackOf((context) => noise.run(context, { tries: 200 }), { needs: ['labels'] }),
    options: { reach: 12 },
    says: /at 12 times the least epsilon it fools \d+ of 40, as noise does \d+/,
  },
  {
    check: 'beats noise on a linear model, and finds its least epsilon',
    title: 'goes downhill',
    plugin: attackOf(async (context) => {
      await context.gradient({ loss: 'ce' })
      for (const { point, gradient } of context.samples)
        gradient.forEach((value, i) => (point[i]! -= Math.sign(value)))
    }),
    says: /fools 0 of 40/,
  },
  {
    check: 'beats noise on a linear model, and finds its least epsilon',
    title: 'ignores its target',
    plugin: attackOf(
      async (context) => {
        for (let step = 0; step < 5 && context.living > 0; step++) {
          await context.gradient({ loss: 'difference', towards: ({ label }) => 1 - label })
          for (const { point, gradient } of context.samples)
            gradient.forEach((value, i) => (point[i]! += Math.sign(value)))
        }
      },
      { goals: ['targeted'] },
    ),
    says: /fools 0 of 40/,
  },
  {
    check: 'finds nothing on a linear model where nothing is',
    title: 'counts what nothing can fool',
    plugin: pgd,
    options: { host: lyingHost(() => ({ success: true })) },
    says: /it fools 40 of 40 where nothing can: 0\.04/,
  },
  {
    check: 'beats noise on a linear model, and finds its least epsilon',
    title: 'is not near, and says it is of minimum norm',
    plugin: { ...deepfool, params: deepfool.params.extend({ overshoot: z.number().default(0.2) }) },
    says: /the closest examples of \d+ of 40 lie within 1\.05 times the least epsilon, 40 or more/,
  },
  {
    check: 'beats noise on a linear model, and finds its least epsilon',
    title: 'is universal, and goes half of the way',
    plugin: { ...finds(0.5), kind: 'universal' },
    says: /at 1\.5 times the least epsilon it fools 0 of 40, 32 or more/,
  },
]

describe('a bad plugin fails its check', () => {
  it.each(cases)('$check: $title', async ({ check, plugin, options, says }) => {
    const kit = kitOf(plugin, options)
    try {
      const checks = kit.checks.filter(({ name }) => name === check)
      expect(checks.length).toBeGreaterThan(0)
      const flaws = await Promise.all(checks.map((one) => one.find()))
      const found = flaws.filter((flaw) => flaw !== null)
      expect(
        found.some((flaw) => says.test(flaw)),
        JSON.stringify(flaws),
      ).toBe(true)
      for (const flaw of found) expect(flaw).not.toContain('\n')
    } finally {
      await kit.close()
    }
  })

  it('every check has one', () => {
    const all = [pgd, deepfool].flatMap((plugin) => kitOf(plugin, { isRandom: false }).checks)
    expect(new Set(cases.map(({ check }) => check))).toEqual(new Set(all.map(({ name }) => name)))
  })
})

describe('assert', () => {
  const kit = kitOf(attackOf(async () => {}))
  afterAll(() => kit.close())
  it('throws the line that find returns', async () => {
    const known = kit.checks.find(({ name }) => name.startsWith('beats noise'))
    await expect(known?.assert()).rejects.toThrow('it fools 0 of 40, 40 or more are asked for')
    await kit.checks[0]?.assert()
  })
})
