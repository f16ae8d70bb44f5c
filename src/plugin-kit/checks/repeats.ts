import { expectThat } from '../flaw.js'
import { differing, isSame, row, type SettingCheck } from './check.js'

/** Results depend on the sample and the seed, and on nothing else. */
export const repeatChecks: readonly SettingCheck[] = [
  {
    name: 'the same seed gives the same bytes, in any batch',
    async run(setting) {
      const first = await setting.base()
      for (const batch of [16, 1, 7, 64]) {
        const again = await setting.attack({ batch })
        const other = differing(first.outcomes, again.outcomes)
        expectThat(
          other.length === 0,
          () =>
            `${other.length} of ${first.outcomes.length} outcomes differ in batches of ${batch}`,
        )
        expectThat(isSame(first.xAdv, again.xAdv), () => `other points in batches of ${batch}`)
      }
    },
  },
  {
    name: 'convolutions give the same bytes in any batch',
    // One goal is enough: the kernels are the same.
    applies: ({ goal, plugin }) =>
      plugin.goals.includes('untargeted')
        ? goal.kind === 'untargeted'
        : goal.kind === 'targeted' && goal.target === 'next',
    async run({ trial, threat }) {
      const ground = await trial.convolution()
      const first = await trial.attack(ground, threat)
      for (const batch of [7, 1, 64]) {
        const again = await trial.attack(ground, threat, { batch })
        const other = differing(first.outcomes, again.outcomes)
        expectThat(
          other.length === 0 && isSame(first.xAdv, again.xAdv),
          () => `${other.length} outcomes or their points differ in batches of ${batch}`,
        )
      }
    },
  },
  {
    name: 'another seed gives another result, or none does',
    applies: ({ trial }) => trial.options.isRandom !== undefined,
    async run(setting) {
      const { goal, trial } = setting
      const [a, b] = [await setting.base(), await setting.attack({ seed: 8 })]
      // A random target is drawn from the seed.
      const isDrawn = goal.kind === 'targeted' && goal.target === 'random'
      const isExpected = trial.options.isRandom || isDrawn
      expectThat(
        isSame(a.xAdv, b.xAdv) !== isExpected,
        () => `two seeds give ${isExpected ? 'the same points' : 'two results'}`,
      )
    },
  },
  {
    name: 'a sample fares the same whatever else is in its shard',
    applies: ({ plugin }) => plugin.kind !== 'universal',
    async run(setting) {
      const { x, labels, size } = await setting.ground()
      const whole = await setting.base()
      const picked = [3, 38, 17, 9, 0, 21]
      const part = await setting.attack({
        x: Float32Array.from(picked.flatMap((i) => Array.from(row(x, i, size)))),
        labels: Int32Array.from(picked, (i) => labels[i]!),
        samples: picked.map((i) => 100 + i),
      })
      const other = picked.filter(
        (i, at) =>
          JSON.stringify(part.outcomes[at]) !== JSON.stringify(whole.outcomes[i]) ||
          !isSame(row(part.xAdv, at, size), row(whole.xAdv, i, size)),
      )
      expectThat(
        other.length === 0,
        () => `${other.length} of ${picked.length} samples end elsewhere in another company`,
      )
    },
  },
]
