import { expect, it } from 'vitest'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { builtInAttacks } from '../../../attacks/index.js'
import { describeAttack, type AttackCase } from '../../conformance/attack.js'

/** What makes an attack quick enough, and whether it draws random numbers. */
const cases: Readonly<Record<string, Omit<AttackCase, 'plugin'>>> = {
  cw: { params: { steps: 6, runs: 3, firstConstant: 1, largestConstant: 3 }, isRandom: false },
  ddn: { params: { steps: 10 }, isRandom: false },
  deepfool: { isRandom: false },
  ead: { params: { steps: 8, runs: 3, firstConstant: 1 }, isRandom: false },
  fgsm: { isRandom: false },
  fmn: { params: { steps: 10 }, isRandom: false },
  jsma: { params: { gamma: 0.5 }, isRandom: false },
  'mi-fgsm': { params: { steps: 5 }, isRandom: false },
  noise: { params: { tries: 5 }, isRandom: true },
  pgd: { params: { steps: 6 }, isRandom: true },
  'pgd-l0': { params: { steps: 6 }, isRandom: true },
  'sigma-zero': { params: { steps: 10 }, isRandom: false },
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
