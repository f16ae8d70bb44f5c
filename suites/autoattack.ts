import { defineSuite } from '../src/plugin.js'

export const autoattack = defineSuite({
  id: 'autoattack',
  title: 'AutoAttack, L∞ and L2',
  describe: 'The published benchmark at its budgets, on data in [0, 1]: compare with RobustBench.',
  attacks: [{ use: 'autoattack' }, { use: 'noise' }],
  threats: [
    { norm: 'linf', epsilon: '8/255' },
    { norm: 'l2', epsilon: 0.5 },
  ],
})
