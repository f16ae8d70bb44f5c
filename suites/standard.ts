import { defineSuite } from '../src/plugin.js'

export const standard = defineSuite({
  id: 'standard',
  title: 'Standard evaluation, L∞ and L2',
  describe:
    'For a merge to main, on data in [0, 1]: two losses, restarts, a score attack and two norms.',
  attacks: [
    { use: 'fgsm' },
    { use: 'pgd', params: { steps: 40 }, restarts: 2 },
    { use: 'pgd', params: { steps: 40, loss: 'margin' } },
    { use: 'square', params: { queries: 500 } },
    { use: 'noise' },
  ],
  threats: [
    { norm: 'linf', epsilon: ['2/255', '4/255', '8/255'] },
    { norm: 'l2', epsilon: [0.25, 0.5] },
  ],
})
