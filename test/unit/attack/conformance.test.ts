import { fgsm } from '../../../attacks/evasion/fgsm.js'
import { noise } from '../../../attacks/evasion/noise.js'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { builtInAttacks } from '../../../attacks/index.js'
import { expect, it } from 'vitest'
import { describeAttack, type AttackCase } from '../../conformance/attack.js'

const cases: readonly AttackCase[] = [
  { plugin: fgsm, isRandom: false },
  { plugin: pgd, params: { steps: 6 }, isRandom: true },
  { plugin: noise, params: { tries: 5 }, isRandom: true },
]

it('every built-in attack is held to the contract', () => {
  expect(cases.map(({ plugin }) => plugin.id)).toEqual(builtInAttacks.map((plugin) => plugin.id))
})

for (const one of cases) describeAttack(one)
describeAttack({
  plugin: pgd,
  params: { steps: 4, loss: 'dlr', randomStart: false },
  isRandom: false,
})
