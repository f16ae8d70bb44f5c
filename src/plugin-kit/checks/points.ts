import { distance } from '../../threat/ball.js'
import { expectThat } from '../flaw.js'
import { predictionsOf } from '../ground.js'
import { Watch } from '../watch.js'
import { row, type SettingCheck } from './check.js'

/** Where the points of an attack lie, and what is said of them. */
export const pointChecks: readonly SettingCheck[] = [
  {
    name: 'stays within epsilon and bounds',
    async run(setting) {
      const { threat, plugin } = setting
      const ground = await setting.ground()
      const watch = new Watch(threat)
      const { xAdv, outcomes } = await setting.attack({ model: watch.over(ground.model) })
      for (const [i, outcome] of outcomes.entries()) {
        const [point, clean] = [row(xAdv, i, ground.size), row(ground.x, i, ground.size)]
        const reach = distance(threat.norm, point, clean)
        const isHeld = outcome.success || plugin.kind !== 'minimum-norm'
        expectThat(
          !isHeld || reach <= threat.epsilon,
          () => `sample ${i} lies at a distance of ${reach}; epsilon is ${threat.epsilon}`,
        )
        expectThat(
          outcome.distance === reach,
          () => `sample ${i}: the distance is ${reach}, and is said to be ${outcome.distance}`,
        )
      }
      const [low, high] = threat.bounds
      const outside = xAdv.find((value) => !(value >= low && value <= high))
      expectThat(outside === undefined, () => `a value of ${outside} is outside ${low} to ${high}`)
      const { stray } = watch
      expectThat(
        stray === null,
        () => `an update rule leaves the next point ${stray}: end it with u.project(…)`,
      )
    },
  },
  {
    name: 'gives finite points',
    async run(setting) {
      const { xAdv, notes } = await setting.base()
      const broken = notes.find((note) => note.includes('NaN'))
      expectThat(broken === undefined, () => broken!)
      expectThat(xAdv.every(Number.isFinite), () => 'an example has NaN or infinite values')
    },
  },
  {
    name: 'counts as success what the model itself says, and nothing else',
    async run(setting) {
      const { goal } = setting
      const { model, x, labels } = await setting.ground()
      const { xAdv, outcomes } = await setting.base()
      const own = await predictionsOf(model, xAdv, labels.length)
      const clean = await predictionsOf(model, x, labels.length)
      for (const [i, outcome] of outcomes.entries()) {
        const label = labels[i]!
        const said = `sample ${i} of class ${label}, predicted ${clean[i]} and then ${own[i]}`
        expectThat(
          outcome.sample === 100 + i &&
            outcome.label === label &&
            outcome.cleanPrediction === clean[i] &&
            outcome.adversarialPrediction === own[i],
          () => `${said}, is filed as ${JSON.stringify(outcome)}`,
        )
        if (!outcome.success) continue
        const isReached =
          goal.kind === 'targeted' && typeof goal.target === 'number'
            ? own[i] === goal.target
            : goal.kind === 'targeted' && goal.target === 'next'
              ? own[i] === (label + 1) % model.classes
              : own[i] !== label
        expectThat(clean[i] === label && isReached, () => `${said}, counts as a success`)
      }
    },
  },
  {
    name: 'looking for the closest example finds no fewer within epsilon',
    applies: ({ plugin }) => plugin.kind === 'minimum-norm',
    async run(setting) {
      const { epsilon } = setting.threat
      const first = await setting.base()
      const closest = await setting.attack({ search: 'closest' })
      for (const [i, { success, distance: reach }] of closest.outcomes.entries()) {
        const before = first.outcomes[i]!
        expectThat(
          !before.success || (success && reach <= before.distance),
          () => `sample ${i}: ${reach}, where the first example was at ${before.distance}`,
        )
        expectThat(
          reach === 0 || success === reach <= epsilon,
          () => `sample ${i}: a distance of ${reach} within ${epsilon} is filed as ${success}`,
        )
      }
    },
  },
]
