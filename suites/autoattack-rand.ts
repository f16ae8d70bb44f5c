import { defineSuite } from '../src/plugin.js'

export const autoattackRand = defineSuite({
  id: 'autoattack-rand',
  title: 'AutoAttack for random models, L∞ and L2',
  describe:
    'The published variant for models with random layers, on data in [0, 1]: gradients and scores are means of 20 passes.',
  attacks: [
    { use: 'autoattack', params: { version: 'rand' }, eot: 20 },
    { use: 'noise', eot: 20 },
  ],
  threats: [
    { norm: 'linf', epsilon: '8/255' },
    { norm: 'l2', epsilon: 0.5 },
  ],
})
