import { expect, it } from 'vitest'
import { pgd } from '../../../attacks/evasion/pgd.js'
import { spatial } from '../../../attacks/evasion/spatial.js'
import { builtInAttacks } from '../../../attacks/index.js'
import { describeAttack, type AttackCase } from '../../conformance/attack.js'

/** What makes an attack quick enough, and whether it draws random numbers. */
const cases: Readonly<Record<string, Omit<AttackCase, 'plugin'>>> = {
  'apgd-ce': { params: { steps: 8 }, knownParams: {}, isRandom: true },
  'apgd-dlr': { params: { steps: 8 }, knownParams: {}, isRandom: true },
  'apgd-t': { params: { steps: 5, targets: 2 }, knownParams: {}, isRandom: true },
  autoattack: {
    params: { steps: 3, queries: 30 },
    knownParams: { steps: 20, queries: 30 },
    isRandom: true,
  },
  bim: { params: { steps: 5 }, knownParams: {}, isRandom: false },
  boundary: { params: { queries: 80 }, knownParams: { queries: 2000 }, reach: 4, isRandom: true },
  corruptions: { isRandom: true },
  cw: {
    params: { steps: 6, runs: 3, firstConstant: 1, largestConstant: 3 },
    knownParams: { steps: 200, runs: 6 },
    isRandom: false,
  },
  ddn: { params: { steps: 10 }, knownParams: {}, isRandom: false },
  deepfool: { isRandom: false },
  ead: {
    params: { steps: 8, runs: 3, firstConstant: 1 },
    knownParams: { beta: 0.1 },
    reach: 1.3,
    isRandom: false,
  },
  fab: { params: { steps: 4 }, knownParams: {}, isRandom: false },
  'fab-t': { params: { steps: 4, targets: 2 }, knownParams: {}, isRandom: false },
  fgsm: { isRandom: false },
  fmn: { params: { steps: 10 }, knownParams: {}, isRandom: false },
  gaussian: { params: { tries: 5 }, isRandom: true },
  hopskipjump: {
    params: { queries: 80, initialProbes: 8 },
    knownParams: { queries: 1500 },
    isRandom: true,
  },
  jsma: { params: { gamma: 0.5 }, knownParams: {}, isRandom: false },
  'mi-fgsm': { params: { steps: 5 }, knownParams: {}, isRandom: false },
  nes: { params: { steps: 3, pairs: 3 }, knownParams: {}, isRandom: true },
  'ni-fgsm': { params: { steps: 5 }, knownParams: {}, isRandom: false },
  noise: { params: { tries: 5 }, isRandom: true },
  // Differential evolution places few pixels well, and not the nine that the target of the linear model takes.
  'one-pixel': { params: { population: 6, generations: 2 }, reach: null, isRandom: true },
  // A square holds few of the values that matter to the linear model: noise, which may choose them freely, is as good.
  patch: { params: { steps: 6 }, reach: null, isRandom: true },
  pgd: { params: { steps: 6 }, knownParams: {}, isRandom: true },
  'pgd-l0': { params: { steps: 6 }, knownParams: {}, isRandom: true },
  'random-corners': { params: { tries: 5 }, isRandom: true },
  // Its random step is half of epsilon, and where it leads away from the border no epsilon is enough.
  rfgsm: { reach: null, isRandom: true },
  'sigma-zero': { params: { steps: 10 }, knownParams: {}, isRandom: false },
  'sign-flip': { params: { queries: 60 }, knownParams: { queries: 1500 }, isRandom: true },
  simba: { params: { queries: 12 }, knownParams: { queries: 1000 }, isRandom: true },
  spatial: { params: { tries: 4 }, isRandom: true },
  spsa: { params: { steps: 3, pairs: 3 }, knownParams: {}, isRandom: true },
  square: { params: { queries: 12 }, knownParams: { queries: 1000 }, isRandom: true },
  universal: { params: { steps: 6 }, knownParams: {}, isRandom: false },
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
