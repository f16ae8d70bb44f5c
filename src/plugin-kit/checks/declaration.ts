import { describeParameters } from '../../attack/parameters.js'
import { AttackRegistry } from '../../attack/registry.js'
import { expectThat } from '../flaw.js'
import type { TrialCheck } from './check.js'

export const declarationChecks: readonly TrialCheck[] = [
  {
    name: 'declares what it takes',
    async run({ plugin }) {
      const { label } = new AttackRegistry([plugin]).specify(plugin.id)
      expectThat(
        label.length > 0 && label.length <= 60 && !/\p{Cc}/u.test(label),
        () => `its label is ${JSON.stringify(label)}, not one short line`,
      )
      const mute = describeParameters(plugin).filter(({ describe }) => describe === '')
      expectThat(
        mute.length === 0,
        () => `parameters without .describe(): ${mute.map(({ name }) => name).join(', ')}`,
      )
    },
  },
]
