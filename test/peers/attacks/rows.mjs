/**
 * What is compared: an attack of ours, and the same one with the same budget elsewhere. A row is
 *
 *   { title, norm, own: [id, parameters, restarts], peers: (epsilon) => [[tool, name there, arguments], …] }
 *
 * `closest` compares least norms instead of verdicts at an epsilon; `dear` rows run on fewer images; rows whose attacks draw
 * at random, and whose results follow the seed, say `draws`. Rows that are compared on every network say `everywhere`.
 * `budget` names the parameter that the wall time follows: the row also says with how little of it ours is as close as a peer.
 */
const many = (parts) => ({ parts })

export const rows = [
  {
    title: 'FGSM',
    norm: 'linf',
    own: ['fgsm', {}],
    peers: (eps) => [
      ['foolbox', 'LinfFastGradientAttack', {}],
      ['torchattacks', 'FGSM', { eps }],
      ['art', 'FastGradientMethod', { eps, batch_size: 128 }],
    ],
  },
  {
    title: 'BIM-10',
    norm: 'linf',
    own: ['bim', {}],
    peers: (eps) => [
      ['foolbox', 'LinfBasicIterativeAttack', { rel_stepsize: 0.125, steps: 10 }],
      ['torchattacks', 'BIM', { eps, alpha: eps / 8, steps: 10 }],
      ['art', 'BasicIterativeMethod', { eps, eps_step: eps / 8, max_iter: 10, batch_size: 128 }],
    ],
  },
  {
    title: 'PGD-40',
    id: 'rate',
    norm: 'linf',
    own: ['pgd', {}],
    draws: true,
    peers: (eps) => [
      ['foolbox', 'LinfPGD', { rel_stepsize: 2.5 / 40, steps: 40 }],
      ['torchattacks', 'PGD', { eps, alpha: eps / 16, steps: 40 }],
      [
        'art',
        'ProjectedGradientDescent',
        { eps, eps_step: eps / 16, max_iter: 40, num_random_init: 1, batch_size: 128 },
      ],
    ],
  },
  {
    title: 'PGD-40',
    norm: 'l2',
    own: ['pgd', {}],
    draws: true,
    peers: (eps) => [
      ['foolbox', 'L2PGD', { rel_stepsize: 2.5 / 40, steps: 40 }],
      ['torchattacks', 'PGDL2', { eps, alpha: eps / 16, steps: 40 }],
      [
        'art',
        'ProjectedGradientDescent',
        { norm: 2, eps, eps_step: eps / 16, max_iter: 40, num_random_init: 1, batch_size: 128 },
      ],
    ],
  },
  {
    title: 'MI-FGSM-10',
    norm: 'linf',
    own: ['mi-fgsm', {}],
    peers: (eps) => [
      ['foolbox', 'LinfMomentumIterativeFastGradientMethod', { rel_stepsize: 0.1, steps: 10 }],
      ['torchattacks', 'MIFGSM', { eps, alpha: eps / 10, steps: 10 }],
      [
        'art',
        'MomentumIterativeMethod',
        { eps, eps_step: eps / 10, max_iter: 10, batch_size: 128 },
      ],
    ],
  },
  {
    title: 'NI-FGSM-10',
    norm: 'linf',
    own: ['ni-fgsm', {}],
    peers: (eps) => [['torchattacks', 'NIFGSM', { eps, alpha: eps / 10, steps: 10 }]],
  },
  ...['linf', 'l2'].map((norm) => apgd('APGD-CE', norm, 'apgd-ce', 'ce', 'cross_entropy')),
  ...['linf', 'l2'].map((norm) => apgd('APGD-DLR', norm, 'apgd-dlr', 'dlr')),
  {
    title: 'APGD-CE, 5 restarts',
    norm: 'l1',
    own: ['apgd-ce', {}, 5],
    draws: true,
    peers: () => [['autoattack', 'APGD', { ...many(['apgd-ce']), restarts: 5 }]],
  },
  {
    title: 'APGD-T',
    norm: 'linf',
    dear: true,
    own: ['apgd-t', {}],
    peers: (eps) => [
      ['torchattacks', 'APGDT', { eps, norm: 'Linf', steps: 100 }],
      ['autoattack', 'APGD-T', many(['apgd-t'])],
    ],
  },
  {
    title: 'FAB-T',
    norm: 'linf',
    dear: true,
    own: ['fab-t', {}],
    peers: (eps) => [
      ['torchattacks', 'FAB', { eps, norm: 'Linf', steps: 100, multi_targeted: true }],
      ['autoattack', 'FAB-T', many(['fab-t'])],
    ],
  },
  ...['linf', 'l2', 'l1'].map((norm) => ({
    title: 'FAB-T',
    norm,
    dear: true,
    closest: true,
    own: ['fab-t', {}],
    peers: () => [['autoattack', 'FAB-T', many(['fab-t'])]],
  })),
  ...['linf', 'l2'].map((norm) => ({
    title: 'DeepFool',
    norm,
    dear: true,
    closest: true,
    own: ['deepfool', {}],
    peers: () => [
      ['foolbox', norm === 'l2' ? 'L2DeepFoolAttack' : 'LinfDeepFoolAttack', {}],
      ...(norm === 'l2'
        ? [
            ['torchattacks', 'DeepFool', {}],
            ['art', 'DeepFool', { max_iter: 50, epsilon: 0.02, batch_size: 64 }],
          ]
        : []),
    ],
  })),
  nearest('DDN, 100 steps', 'l2', ['ddn', { steps: 100 }], 'DDNAttack', { steps: 100 }),
  ...[
    ['linf', 'LInfFMNAttack'],
    ['l1', 'L1FMNAttack'],
    ['l0', 'L0FMNAttack'],
  ].map(([norm, name]) =>
    nearest('FMN, 100 steps', norm, ['fmn', { steps: 100, stepSize: 1 }], name, { steps: 100 }),
  ),
  nearest('Carlini–Wagner, 9 × 200 steps', 'l2', ['cw', { steps: 200 }], 'L2CarliniWagnerAttack', {
    steps: 200,
  }),
  nearest('EAD, 9 × 200 steps', 'l1', ['ead', { steps: 200 }], 'EADAttack', {
    steps: 200,
    decision_rule: 'L1',
  }),
  ...['linf', 'l2'].map((norm) => ({
    title: 'AutoAttack',
    norm,
    dear: true,
    everywhere: true,
    own: ['autoattack', {}],
    peers: () => [['autoattack', 'AutoAttack', many(['apgd-ce', 'apgd-t', 'fab-t', 'square'])]],
  })),
  ...[
    ['linf', 'Linf', 'inf'],
    ['l2', 'L2', 2],
  ].map(([norm, name, order]) => ({
    title: 'Square, 1,000 queries',
    norm,
    dear: true,
    own: ['square', { queries: 1000 }],
    draws: true,
    peers: (eps) => [
      [
        'torchattacks',
        'Square',
        { eps, norm: name, n_queries: 1000, p_init: 0.8, resc_schedule: true },
      ],
      ['art', 'SquareAttack', { eps, norm: order, max_iter: 1000, p_init: 0.8, batch_size: 128 }],
      ['autoattack', 'Square', { ...many(['square']), queries: 1000 }],
    ],
  })),
  // Peers count steps: so many queries are what theirs take in Foolbox, measured. ART's boundary attack has no step that
  // costs the same each time.
  {
    title: 'Boundary, 2,820 queries',
    norm: 'l2',
    dear: true,
    closest: true,
    own: ['boundary', { queries: 2820 }],
    budget: 'queries',
    draws: true,
    peers: () => [['foolbox', 'BoundaryAttack', { steps: 2500 }]],
  },
  ...[
    ['l2', 2550, 2],
    ['linf', 2650, 'inf'],
  ].map(([norm, queries, order]) => ({
    title: `HopSkipJump, ${queries.toLocaleString('en')} queries`,
    norm,
    dear: true,
    closest: true,
    own: ['hopskipjump', { queries }],
    budget: 'queries',
    draws: true,
    peers: () => [
      ['foolbox', 'HopSkipJumpAttack', { steps: 10, constraint: norm }],
      [
        'art',
        'HopSkipJump',
        { norm: order, max_iter: 10, init_eval: 100, max_eval: 10_000, batch_size: 64 },
      ],
    ],
  })),
]

/** Auto-PGD with one loss, 100 steps, one random start. */
function apgd(title, norm, id, loss, artLoss) {
  const name = norm === 'linf' ? 'Linf' : 'L2'
  return {
    title,
    norm,
    own: [id, {}],
    draws: true,
    peers: (eps) => [
      ['torchattacks', 'APGD', { eps, norm: name, steps: 100, loss }],
      ...(artLoss
        ? [
            [
              'art',
              'AutoProjectedGradientDescent',
              {
                norm: norm === 'linf' ? 'inf' : 2,
                eps,
                eps_step: 2 * eps,
                max_iter: 100,
                nb_random_init: 1,
                loss_type: artLoss,
                batch_size: 128,
              },
            ],
          ]
        : []),
      ['autoattack', 'APGD', many([id])],
    ],
  }
}

/** An attack of least norm, and Foolbox's. */
function nearest(title, norm, own, name, args) {
  return { title, norm, dear: true, closest: true, own, peers: () => [['foolbox', name, args]] }
}
