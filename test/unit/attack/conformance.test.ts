import { expect, it } from 'vitest'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { spatial } from '../../../attacks/evasion/spatial.js'
import { builtInAttacks } from '../../../attacks/index.js'
import { describeAttack, type AttackCase } from '../../conformance/attack.js'

/** What makes an attack quick enough, and whether it draws random numbers. */
const cases: Readonly<Record<string, Omit<AttackCase, 'plugin'>>> = {
  boundary: { params: { queries: 80 }, isRandom: true },
  corners: { params: { tries: 5 }, isRandom: true },
  corruptions: { isRandom: true },
  deepfool: { isRandom: false },
  fgsm: { isRandom: false },
  gaussian: { params: { tries: 5 }, isRandom: true },
  hopskipjump: { params: { queries: 80, initialProbes: 8 }, isRandom: true },
  'mi-fgsm': { params: { steps: 5 }, isRandom: false },
  nes: { params: { steps: 3, pairs: 3 }, isRandom: true },
  noise: { params: { tries: 5 }, isRandom: true },
  'one-pixel': { params: { population: 6, generations: 2 }, isRandom: true },
  patch: { params: { steps: 6 }, isRandom: true },
  pgd: { params: { steps: 6 }, isRandom: true },
  'sign-flip': { params: { queries: 60 }, isRandom: true },
  simba: { params: { queries: 12 }, isRandom: true },
  spatial: { params: { tries: 4 }, isRandom: true },
  spsa: { params: { steps: 3, pairs: 3 }, isRandom: true },
  square: { params: { queries: 12 }, isRandom: true },
  universal: { params: { steps: 6 }, isRandom: false },
}

it('every built-in attack is held to the contract', () => {
  expect(Object.keys(cases).sort()).toEqual(builtInAttacks.map(({ id }) => id).sort())
})

for (const plugin of builtInAttacks) {
  const found = cases[plugin.id]
  if (found) describeAttack({ plugin, ...found })
}
describeAttack({
  plugin: spatial,
  params: { search: 'grid', angles: 3, shifts: 3 },
  isRandom: false,
})
describeAttack({
  plugin: pgd,
  params: { steps: 4, loss: 'dlr', randomStart: false },
  isRandom: false,
})
