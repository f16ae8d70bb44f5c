import { defineSuite } from '../src/plugin.js'

export const quick = defineSuite({
  id: 'quick',
  title: 'Quick check, L∞',
  describe: 'For every pull request, on data in [0, 1]: does anything give way in L∞?',
  attacks: [{ use: 'fgsm' }, { use: 'pgd', params: { steps: 20 } }, { use: 'noise' }],
  threats: [{ norm: 'linf', epsilon: ['2/255', '4/255', '8/255'] }],
})
