import type { Signal } from '../types.js'

/** What is looked at before any attack: the model, the data, and how they fit. */
export const preflightSignals: readonly Signal[] = [
  {
    id: 'P1',
    title: 'The model is random',
    severity: 'error',
    test: 'five passes over the same batch: the accuracy differs, or the L2 distance of normalised logits exceeds 1e-4; a warning where every attack averages over 20 passes',
    source: 'Croce & Hein 2020, AutoAttack: checks.py and flags_doc.md (randomized defenses)',
    remedy:
      'average over passes: eot: 20 at each attack of the suite (gauntlet attack --eot 20); or export the model without its random layers',
  },
  {
    id: 'P2',
    title: 'Probabilities where logits are expected',
    severity: 'error',
    test: 'every output within [-1e-5, 1 + 1e-5] and every row summing to 1 ± 1e-5, or Softmax, Sigmoid or LogSoftmax as the last node',
    source: 'Croce & Hein 2020, AutoAttack: checks.py (zero-one outputs)',
    remedy:
      'export the logits, or name their output with output: NAME at the model (--output NAME); a softmax at the very end is skipped by Gauntlet itself',
  },
  {
    id: 'P3',
    title: 'Exported in training mode',
    severity: 'error',
    test: 'BatchNormalization or Dropout with training_mode, or a sample scored alone differs from the same sample within a batch',
    source: 'a common export mistake, e.g. issue 74 of bethgelab/foolbox',
    remedy: 'export again in evaluation mode: model.eval() in PyTorch, training=False in Keras',
  },
  {
    id: 'P4',
    title: 'The data are on another scale than declared',
    severity: 'error',
    test: 'values outside the declared range, [0, 1] declared where values exceed 1.5 or have a mean below 0, or clean accuracy at the level of chance',
    source: 'a common mistake of use, e.g. issue 145 of Harry24k/adversarial-attacks-pytorch',
    remedy:
      'declare how the data are stored: range: [0, 255] at the data (--range 0..255); epsilon is in the units after scaling',
  },
  {
    id: 'P5',
    title: 'The normalisation is missing',
    severity: 'error',
    test: 'clean accuracy is poor on the data as declared and fine once a usual mean and std are applied',
    source: 'a common mistake of use, e.g. issue 1 of Harry24k/adversarial-attacks-pytorch',
    remedy:
      'give mean and std at the model (--mean, --std), in the units of the data, or leave them out if the model has them inside; the attack then works before the normalisation',
  },
  {
    id: 'P6',
    title: 'Labels and classes do not match',
    severity: 'error',
    test: 'clean accuracy is not above 1/K + 3 standard errors, or another order or offset of the labels fits far better',
    source: 'Gauntlet',
    remedy:
      'compare the order of the classes in the data with that of the training; a shift by one often is a background class',
  },
  {
    id: 'P7',
    title: 'Gradients are zero or not finite',
    severity: 'error',
    test: 'more than 1 % of the samples have a gradient that is 0, NaN or infinite, of the cross-entropy and of a margin loss',
    source:
      'Croce & Hein 2020, AutoAttack: checks.py; Pintor et al. 2022, arXiv:2106.09947, indicator I1',
    remedy:
      'attack another loss (params: { loss: margin }) and without gradients ({ use: square }); gauntlet ops --model FILE shows where the gradient ends',
  },
  {
    id: 'P8',
    title: 'An operator on the path has no derivative',
    severity: 'warning',
    test: 'Round, Floor, Sign, ArgMax, a cast to integers, QuantizeLinear or NonMaxSuppression between input and logits',
    source: 'Athalye et al. 2018, arXiv:1802.00420, section 4.1 (BPDA)',
    remedy:
      'the straight-through derivative is used and named in the report: add { use: square }, or craft on the model without that step (surrogate: NAME)',
  },
  {
    id: 'P9',
    title: 'The gradient disagrees with finite differences',
    severity: 'error',
    test: 'central differences along 8 random directions: a relative error of 1e-2 or more in over 5 % of the samples',
    source:
      'the usual check of a derivative; see also Athalye et al. 2018, arXiv:1802.00420, section 3',
    remedy:
      'a steep or shattered function, or a defect of a gradient rule: report the model, and judge by attacks without gradients ({ use: square }) meanwhile',
  },
  {
    id: 'P10',
    title: 'The loss is saturated',
    severity: 'warning',
    test: 'a cross-entropy below 1e-6 on more than half of the clean samples',
    source: 'Croce & Hein 2020, arXiv:2003.01690, section 4; issue 63 of BorealisAI/advertorch',
    remedy:
      'add an attack on a loss that does not vanish with confidence: { use: pgd, params: { loss: margin } } or loss: dlr (--loss margin)',
  },
  {
    id: 'P11',
    title: 'The loss depends on the offset of the logits',
    severity: 'warning',
    test: 'the loss in float32 with and without the greatest logit subtracted first differs by more than 1e-3',
    source: 'issue 63 of BorealisAI/advertorch',
    remedy:
      'logits this large lose digits: use loss: dlr, which no scale or offset changes, or export the model with smaller logits',
  },
  {
    id: 'P12',
    title: 'Too few classes for the attack',
    severity: 'error',
    test: 'fewer than 4 classes with the targeted DLR loss, or more target classes than the K - 1 there are',
    source: 'Croce & Hein 2020, AutoAttack: checks.py (number of classes)',
    remedy: 'use loss: margin where there are few classes, and at most K - 1 targets',
  },
  {
    id: 'P13',
    title: 'The model changes its input, or the gradient has another shape',
    severity: 'error',
    test: 'the bytes of the input differ after a pass, or the gradient has not the shape of the input',
    source: 'Two Six Technologies, Armory: test_model.py',
    remedy: 'check layout: nchw or nhwc (--layout) and the name of the input (--input)',
  },
  {
    id: 'P14',
    title: 'The model optimises while it predicts',
    severity: 'warning',
    test: 'Loop, Scan or If that depends on the input, or the time of a pass that depends on the confidence',
    source: 'Croce & Hein 2020, AutoAttack: checks.py (dynamic defenses)',
    remedy:
      'a gradient through such a loop misleads: attack the model without it too (surrogate: NAME), and without gradients ({ use: square })',
  },
  {
    id: 'P15',
    title: 'Too few samples',
    severity: 'warning',
    test: "fewer than 500 samples, or the 95 % Wilson interval reaches farther to a side than the gate's tolerance",
    source: 'Wilson 1927, interval for a proportion',
    remedy:
      'use more samples (raise or drop limit: N), or a wider margin in the gate; 95 % reach ±4.4 pp at 500 samples, ±3.1 at 1,000, ±1.0 at 10,000',
  },
  {
    id: 'P16',
    title: 'Samples that the model was trained on',
    severity: 'warning',
    test: 'an evaluated sample has the same bytes as one of the training set',
    source: 'Gauntlet',
    remedy:
      'take a held-out set: on training data, clean and robust accuracy both come out too high; trainingData in the configuration is what this is checked against',
  },
]
