import type { Signal } from '../types.js'

const carlini = 'Carlini et al. 2019, arXiv:1902.06705'
const athalye = 'Athalye et al. 2018, arXiv:1802.00420, section 3.1'
const pintor = 'Pintor et al. 2022, arXiv:2106.09947'

/** What attacks that find less than there is look like: comparisons between attacks, and their curves. */
const weaknessSignals: readonly Signal[] = [
  {
    id: 'E1',
    title: 'An iterative attack does worse than a single step',
    severity: 'error',
    test: 'one step breaks more than 1 % of the samples that all iterative attacks of the same norm, epsilon and goal miss (error if with 95 % confidence more than the tolerance of the gate, up the same loss, else warning), or more altogether than one of them (exact McNemar, 5 %: warning)',
    source: `${athalye}; ${carlini}, section 5.2`,
    remedy:
      'the gradient is masked or the steps are too long: more steps and restarts, another loss (params: { steps: 100, loss: margin }, restarts: 5), and { use: square }',
  },
  {
    id: 'E2',
    title: 'An attack without gradients beats those with gradients',
    severity: 'error',
    test: 'robust accuracy under scores or labels alone is more than 0.2 pp below that under all gradient attacks together, or it breaks more samples that these miss than the tolerance; error if with 95 % confidence more than the tolerance of the gate and a tenth of what they leave standing, else warning',
    source: `${carlini}, section 5.4; Croce & Hein 2020, AutoAttack: checks.py; ${athalye}`,
    remedy:
      'gradients are masked, or their attack is too weak: more steps and restarts, apgd-ce, another loss (params: { loss: margin }), eot: 20 if the model is random, or craft on an unmasked copy (surrogate: NAME)',
  },
  {
    id: 'E3',
    title: 'Random points find what gradients miss',
    severity: 'error',
    test: 'random points of the ball break more than 1 % of the samples that stand every gradient attack (error if with 95 % confidence more than the tolerance of the gate), or any at all (warning)',
    source: `${athalye}; ${carlini}, section 4.11`,
    remedy:
      'gradient attacks should never lose to chance: more steps and restarts, params: { loss: margin }, and { use: noise, params: { tries: 10000 } } for the size of the gap',
  },
  {
    id: 'E4',
    title: 'Examples from another model beat the gradients of this one',
    severity: 'error',
    test: 'examples crafted on a surrogate break more than 1 % of the samples that every gradient attack on the model itself misses; error if with 95 % confidence more than the tolerance of the gate and a tenth of what they leave standing, else warning',
    source: `${athalye}; ${carlini}, section 4.5`,
    remedy:
      'the own gradients are worse than borrowed ones: params: { loss: margin } and more restarts; keep the surrogate in the suite, so that the worst case counts it',
  },
  {
    id: 'E5',
    title: 'Unlimited perturbations do not break the model',
    severity: 'error',
    test: 'PGD-100 with epsilon as wide as the range leaves more accuracy than chance, 1/K',
    source: `${carlini}, sections 5.2 and 5.3; ${athalye}; ${pintor}, indicator I6`,
    remedy:
      'with no limit every model falls, so the attack does not work here: check range, mean and std, then the gradients (P7, P9), then another loss',
  },
  {
    id: 'E6',
    title: 'A larger epsilon breaks fewer samples',
    severity: 'error',
    test: "robust accuracy rises with epsilon more than chance explains (exact McNemar, 5 %): error where the worst case leaves more samples standing than the tolerance that a smaller epsilon broke, warning below and for one attack's curve",
    source: `${carlini}, sections 5.2 and 5.3`,
    remedy:
      'the attack loses what a smaller ball already holds: more steps (params: { steps: 100 }) and restarts at the larger epsilons, step sizes relative to epsilon (relStepSize)',
  },
]

/** What searches that stop early look like. */
const searchSignals: readonly Signal[] = [
  {
    id: 'E7',
    title: 'The attack has not converged',
    severity: 'warning',
    test: 'twice the steps lower the robust accuracy by more than 0.5 pp (or McNemar p < 0.05), or the loss still moves by more than 5 % in the last 10 steps',
    source: `${carlini}, section 4.8; ${pintor}, indicator I4`,
    remedy: 'double the steps until nothing changes: params: { steps: 200 } (--steps 200)',
  },
  {
    id: 'E8',
    title: 'Too few restarts',
    severity: 'warning',
    test: 'twice the restarts lower the robust accuracy by more than 0.5 pp',
    source: `${carlini}, section 4.9; on MNIST, 50 restarts took 92.5 % to 89.6 % (MadryLab/mnist_challenge)`,
    remedy: 'double the restarts until nothing changes: restarts: 10 (--restarts 10)',
  },
  {
    id: 'E9',
    title: 'An adversarial example was not counted',
    severity: 'error',
    test: 'an example within epsilon reaches the goal, and the sample counts as robust',
    source: `${pintor}, indicator I3`,
    remedy:
      'a defect of the harness or a store that was edited: report it, and run again with a fresh store',
  },
  {
    id: 'E10',
    title: 'A success that the example does not show',
    severity: 'error',
    test: 'a sample counts as broken while the prediction for its example does not reach the goal',
    source: 'issue 74 of fra31/auto-attack; issue 7 of RobustBench/robustbench',
    remedy:
      'a defect of the harness or a store that was edited: report it, and run again with a fresh store',
  },
  {
    id: 'E11',
    title: 'An example outside its ball or range',
    severity: 'error',
    test: 'a counted example is farther than epsilon × (1 + 1e-6) from its sample, outside the range, or its distance is not a number',
    source: 'Croce & Hein 2020, AutoAttack: final check of its results',
    remedy:
      'a defect of the harness or a store that was edited: report it, and run again with a fresh store',
  },
  {
    id: 'E12',
    title: 'The attack does not use its epsilon',
    severity: 'warning',
    test: 'in L∞, the median distance of the samples that an attack with gradients failed on is below half of epsilon',
    source: 'issue 531 of bethgelab/foolbox',
    remedy:
      'steps are too short or gradients vanish: leave the step size to the default or raise it (params: { relStepSize: 0.1 }), or params: { loss: margin }',
  },
  {
    id: 'E13',
    title: 'The step size does not fit',
    severity: 'warning',
    test: 'steps × step size is below epsilon, so that the border is out of reach, or one of several steps is longer than epsilon',
    source: `${carlini}, section 4.9 (hyper-parameters)`,
    remedy:
      'leave stepSize and relStepSize to their defaults: 2.5 × epsilon / steps is usual (--step-size, --steps)',
  },
  {
    id: 'E14',
    title: 'The loss surface is shattered',
    severity: 'warning',
    test: 'the mean relative change of the loss over 100 random directions of length epsilon exceeds 0.1 to 1.0',
    source: `${pintor}, indicator I2`,
    remedy:
      'gradients average out the roughness: eot: 20 at each attack, and attacks without gradients ({ use: square })',
  },
  {
    id: 'E15',
    title: 'The gradient points nowhere',
    severity: 'warning',
    test: 'gradients at a sample and just beside it have a cosine near 0, or a step along the gradient raises the loss on fewer than 60 % of the samples',
    source: athalye,
    remedy:
      'gradients are shattered: eot: 20, craft on a smooth copy (surrogate: NAME), and attacks without gradients ({ use: square })',
  },
]

/** What an evaluation that answers another question looks like, and a harness that does not hold. */
const coverageSignals: readonly Signal[] = [
  {
    id: 'E16',
    title: 'Only one of targeted and untargeted ever succeeds',
    severity: 'note',
    test: 'both goals on at least 200 samples each: one never succeeds, the other on at least 5 %',
    source: `${carlini}, section 4.12`,
    remedy:
      'a targeted goal is the harder one, but never is rare: try loss: margin, and goal: { target: next } or { target: least-likely } for comparison',
  },
  {
    id: 'E17',
    title: 'The attacks all do the same',
    severity: 'warning',
    test: 'the sets of samples that the attacks break have a Jaccard index above 0.98, pair by pair and at every epsilon of a norm, or there is only one attack; and the suite has none without gradients',
    source: `${carlini}, section 4.3`,
    remedy:
      'what fools one of them fools all: add another kind, { use: square } without gradients or surrogate: NAME for transfer',
  },
  {
    id: 'E18',
    title: 'The claim is about another threat than the attacks',
    severity: 'error',
    test: 'a norm and epsilon that the gate speaks of were not attacked, control runs apart',
    source: `${carlini}, sections 2.2 and 2.3 (threat models)`,
    remedy: "add the norm and epsilon to threats in the suite, or correct the rule's scope",
  },
  {
    id: 'E19',
    title: 'Rounding to 8 bits undoes the attack',
    severity: 'note',
    test: 'success falls by more than 5 pp once the examples are rounded to whole 8-bit levels',
    source:
      'issue 44 of fra31/auto-attack; Carlini & Wagner 2017, arXiv:1608.04644 (discretization)',
    remedy:
      'the number holds for real-valued inputs; where only 8-bit images reach the model, quote the rounded one beside it',
  },
  {
    id: 'E20',
    title: 'The attacked model is not the shipped one',
    severity: 'warning',
    test: 'the attacked graph and the deployed file predict different classes on more than 0.5 % of the samples',
    source: 'Gauntlet, for quantised models',
    remedy:
      'attack the very file that ships, with its straight-through derivatives, or craft on the float model (surrogate: NAME) and judge on the shipped one',
  },
  {
    id: 'E21',
    title: 'A misclassified sample counts as attacked',
    severity: 'error',
    test: 'a sample whose clean prediction is wrong counts as broken by an attack or as robust',
    source:
      'Croce & Hein 2020, AutoAttack: robust accuracy is over samples that are right at first',
    remedy:
      'a defect of the harness or a store that was edited: report it, and run again with a fresh store',
  },
  {
    id: 'E22',
    title: 'No worst case per sample',
    severity: 'error',
    test: 'attacks of one norm and epsilon ran on different samples, so that only their means can be compared',
    source: `${carlini}, section 5.6; issue 45 of fra31/auto-attack`,
    remedy: 'run every attack on the same samples: one data set and one limit for the whole suite',
  },
  {
    id: 'E23',
    title: 'The attack fails a test that it must pass',
    severity: 'error',
    test: 'the last layer is changed so that each sample surely has an adversarial example: fewer than 95 % are found',
    source: 'Zimmermann et al. 2022, arXiv:2206.13991',
    remedy:
      'the attack is too weak for this model: more steps and restarts, params: { loss: margin }, { use: square }, or an attack adapted to the model (--plugin)',
  },
  {
    id: 'E24',
    title: 'A control that is known to be broken stands',
    severity: 'error',
    test: 'an undefended control keeps more than 0 % robust accuracy, or a masked control raises no error',
    source: `${carlini}, sections 3.3 and 4.14 (models that are broken on purpose)`,
    remedy:
      'the harness does not work on this machine: gauntlet doctor, then gauntlet demo; report what they say',
  },
  {
    id: 'E25',
    title: 'Clean accuracy collapsed',
    severity: 'warning',
    test: 'clean accuracy is below that of the baseline by more than the tolerance (exact McNemar, 5 %)',
    source: `${carlini}, section 4.2 (report clean accuracy)`,
    remedy:
      'robustness bought with accuracy: put a non-inferiority rule on cleanAccuracy beside that on robustAccuracy',
  },
  {
    id: 'E26',
    title: 'The same run gives different results',
    severity: 'error',
    test: 'another number of workers or batch size changes what is broken, or two attacks disagree on the clean prediction or label of a sample',
    source: 'Gauntlet',
    remedy:
      'if the model is random (P1), eot: 20; else one kind of device per run (--device cpu), a fresh store, and a report of what differs',
  },
]

/** What is looked at while evasion suites run, and after. */
export const evasionSignals: readonly Signal[] = [
  ...weaknessSignals,
  ...searchSignals,
  ...coverageSignals,
]
