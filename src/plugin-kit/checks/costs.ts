import type { Goal } from '../../threat/threat-model.js'
import { expectThat } from '../flaw.js'
import { isWrong } from '../ground.js'
import { Watch } from '../watch.js'
import { isSame, row, type SettingCheck } from './check.js'

const isAttackable = (goal: Goal, label: number): boolean =>
  goal.kind === 'untargeted' || goal.target !== label

/** What an attack costs, and whom. */
export const costChecks: readonly SettingCheck[] = [
  {
    name: 'says what it cost',
    async run(setting) {
      const { plugin, threat } = setting
      const { model } = await setting.ground()
      const watch = new Watch(threat)
      const { outcomes } = await setting.attack({ model: watch.over(model), restarts: 3 })
      await watch.settle()
      for (const key of ['queries', 'gradients'] as const) {
        const total = outcomes.reduce((sum, outcome) => sum + outcome[key], 0)
        expectThat(
          total === watch[key],
          () => `${total} ${key} are told, ${watch[key]} passed through the model`,
        )
      }
      expectThat(
        watch.gradients === 0 || plugin.needs.includes('gradient'),
        () => `it takes ${watch.gradients} gradients and does not declare that it needs any`,
      )
    },
  },
  {
    name: 'fallen samples cost no more',
    async run(setting) {
      const { goal } = setting
      const { labels } = await setting.ground()
      const { outcomes } = await setting.attack({ restarts: 3 })
      const single = await setting.base()
      for (const [i, { success, queries, gradients }] of single.outcomes.entries()) {
        const three = outcomes[i]!
        const isStanding = three.cleanPrediction === labels[i] && isAttackable(goal, labels[i]!)
        expectThat(
          !success || (three.queries === queries && three.gradients === gradients),
          () => `sample ${i} fell after ${queries} queries, and was asked ${three.queries} times`,
        )
        expectThat(
          success || !isStanding || three.queries > queries,
          () => `sample ${i} stands after ${queries} queries, and restarts add none`,
        )
      }
    },
  },
  {
    name: 'leaves alone what the model gets wrong',
    async run(setting) {
      const { x, size } = await setting.ground()
      const { xAdv, outcomes } = await setting.attack({ restarts: 2 })
      for (const [i, outcome] of outcomes.entries()) {
        if (!isWrong(i)) continue
        expectThat(
          !outcome.success &&
            outcome.gradients === 0 &&
            outcome.queries === 1 &&
            outcome.distance === 0 &&
            outcome.adversarialPrediction === outcome.cleanPrediction &&
            isSame(row(xAdv, i, size), row(x, i, size)),
          () => `sample ${i} is filed as ${JSON.stringify(outcome)}`,
        )
      }
    },
  },
  {
    name: 'leaves alone what is its own target',
    applies: ({ goal }) => goal.kind === 'targeted' && goal.target === 2,
    async run(setting) {
      const { outcomes } = await setting.base()
      const own = outcomes.filter(({ label }) => label === 2)
      const touched = own.filter(({ success, gradients }) => success || gradients > 0)
      expectThat(
        own.length > 0 && touched.length === 0,
        () => `${touched.length} of ${own.length} samples of the target's class are attacked`,
      )
    },
  },
]
