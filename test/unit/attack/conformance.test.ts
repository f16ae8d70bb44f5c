import { expect, it } from 'vitest'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { builtInAttacks } from '../../../attacks/index.js'
import { describeAttack, type AttackCase } from '../../conformance/attack.js'

/** What makes an attack quick enough, and whether it draws random numbers. */
const cases: Readonly<Record<string, Omit<AttackCase, 'plugin'>>> = {
  deepfool: { isRandom: false },
  fgsm: { isRandom: false },
  'mi-fgsm': { params: { steps: 5 }, isRandom: false },
  noise: { params: { tries: 5 }, isRandom: true },
  pgd: { params: { steps: 6 }, knownParams: {}, isRandom: true },
}

it('every built-in attack is held to the contract', () => {
  expect(Object.keys(cases).sort()).toEqual(builtInAttacks.map(({ id }) => id).sort())
})

for (const plugin of builtInAttacks) {
  const found = cases[plugin.id]
  if (found) describeAttack({ plugin, ...found })
}
describeAttack({
  plugin: pgd,
  params: { steps: 4, loss: 'dlr', randomStart: false },
  isRandom: false,
})
