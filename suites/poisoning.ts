import { defineSuite } from '../src/plugin.js'

export const poisoning = defineSuite({
  id: 'poisoning',
  title: 'Poisoned training data',
  describe:
    'What does poison do to this training? Needs training and trainingData in the configuration; trains many times.',
  poisons: [
    {
      use: 'badnets',
      rates: [
        { value: 0.01, of: 'dataset' },
        { value: 0.05, of: 'dataset' },
      ],
    },
    { use: 'blended', rates: [{ value: 0.05, of: 'dataset' }] },
    {
      use: 'label-flip',
      rates: [
        { value: 0.1, of: 'dataset' },
        { value: 0.3, of: 'dataset' },
      ],
    },
    { use: 'gradient-matching', rates: [{ value: 0.01, of: 'dataset' }] },
  ],
  detectors: ['spectral-signatures', 'activation-clustering'],
})
