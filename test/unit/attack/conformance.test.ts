import { expect, it } from 'vitest'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { spatial } from '../../../attacks/evasion/spatial.js'
import { builtInAttacks } from '../../../attacks/index.js'
import { describeAttack, type AttackCase } from '../../conformance/attack.js'

/** What makes an attack quick enough, and whether it draws random numbers. */
const cases: Readonly<Record<string, Omit<AttackCase, 'plugin'>>> = {
  boundary: { params: { queries: 80 }, isRandom: true },
  'random-corners': { params: { tries: 5 }, isRandom: true },
  corruptions: { isRandom: true },
  'apgd-ce': { params: { steps: 8 }, isRandom: true },
  'apgd-dlr': { params: { steps: 8 }, isRandom: true },
  'apgd-t': { params: { steps: 5, targets: 2 }, isRandom: true },
  autoattack: { params: { steps: 3, queries: 30 }, isRandom: true },
  bim: { params: { steps: 5 }, isRandom: false },
  fab: { params: { steps: 4 }, isRandom: false },
  'fab-t': { params: { steps: 4, targets: 2 }, isRandom: false },
  gaussian: { params: { tries: 5 }, isRandom: true },
  hopskipjump: { params: { queries: 80, initialProbes: 8 }, isRandom: true },
  cw: { params: { steps: 6, runs: 3, firstConstant: 1, largestConstant: 3 }, isRandom: false },
  ddn: { params: { steps: 10 }, isRandom: false },
  deepfool: { isRandom: false },
  ead: { params: { steps: 8, runs: 3, firstConstant: 1 }, isRandom: false },
  fgsm: { isRandom: false },
  fmn: { params: { steps: 10 }, isRandom: false },
  jsma: { params: { gamma: 0.5 }, isRandom: false },
  'mi-fgsm': { params: { steps: 5 }, isRandom: false },
  nes: { params: { steps: 3, pairs: 3 }, isRandom: true },
  'ni-fgsm': { params: { steps: 5 }, isRandom: false },
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
  rfgsm: { isRandom: true },
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
  plugin: spatial,
  params: { search: 'grid', angles: 3, shifts: 3 },
  isRandom: false,
})
describeAttack({
  plugin: pgd,
  params: { steps: 4, loss: 'dlr', randomStart: false },
  isRandom: false,
})
