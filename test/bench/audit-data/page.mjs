const percent = (value) => `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)} %`

/** Mean over the seeds, least and greatest. */
function spread(values) {
  const known = values.filter((value) => !Number.isNaN(value))
  if (known.length === 0) return 'none flagged'
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  if (known.length === 1) return percent(mean)
  return `${percent(mean)} (${percent(Math.min(...known))} to ${percent(Math.max(...known))})`
}

const flaggedClean = ({ flagged, hits, samples, poisoned }) =>
  (flagged - hits) / (samples - poisoned)

/** On clean data: share flagged, and verdicts that would be void. */
export function control(rows) {
  const isVoid = rows.filter((row) => row.isVoid).length
  return `${spread(rows.map(flaggedClean))}, void ${isVoid} of ${rows.length}`
}

/** Recall, precision, share of clean samples flagged, and recall and precision of the random filter. */
export function measured(rows) {
  return [
    spread(rows.map(({ hits, poisoned }) => hits / poisoned)),
    spread(rows.map(({ hits, flagged }) => hits / flagged)),
    spread(rows.map(flaggedClean)),
    spread(rows.map(({ randomHits, poisoned }) => randomHits / poisoned)),
    spread(rows.map(({ randomHits, flagged }) => randomHits / flagged)),
  ]
}

const kinds = {
  none: 'clean',
  'badnets-one': 'BadNets, one source class',
  'badnets-all': 'BadNets, all other classes',
  'blended-one': 'blended, one source class',
  flip: 'random label flips',
}

export const naming = ({ kind, share }) =>
  kind === 'none' ? kinds[kind] : `${kinds[kind]}, ${percent(share)} of the data set`

const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const unique = (values) => [...new Set(values)]

/** @param old - the page as it was: sections of other data are kept */
export function page(results, rate, old = '') {
  const kept = [...old.matchAll(/^## (\w+):[^]*?(?=^## |(?![^]))/gm)].filter(
    ([, name]) => !results.some((row) => row.data === name),
  )
  const sections = unique(results.map((row) => row.data)).map((name) => {
    const own = results.filter((row) => row.data === name)
    const seeds = unique(own.map((row) => row.seed)).length
    return [
      `## ${name}: ${own[0].samples} samples, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`,
      ...tables(own),
    ].join('\n\n')
  })
  return [
    '# What the data audit finds',
    `Written by \`test/bench/audit-data.mjs --write\`. Stated false-positive rate: ${percent(rate)} of clean samples. Every trial plants new poison, trains two new small networks on the poisoned data and gives their features to the detectors. Each cell: mean over the seeds (least to greatest). \`random\`: a filter that removes as many samples at random.`,
    'The detectors were built and their constants set by hand on seeds 901 to 908; the network was changed after 1, 2 and 11 to 14 were seen, and that there are two of them was decided when 21 to 25 had been seen through one (through which whole seeds were missed) and 901 and 902 through two.',
    ...kept.map(([text]) => text.trim()),
    ...sections,
  ].join('\n\n')
}

function tables(own) {
  const detectors = unique(own.map((row) => row.detector))
  return unique(own.map(naming)).flatMap((setting) => {
    const rows = own.filter((row) => naming(row) === setting)
    const of = (detector) => rows.filter((row) => row.detector === detector)
    const present = detectors.filter((detector) => of(detector).length > 0)
    if (rows[0].kind === 'none')
      return [
        `### ${setting}`,
        table(
          ['detector', 'flagged'],
          present.map((detector) => [detector, control(of(detector))]),
        ),
      ]
    return [
      `### ${setting}`,
      table(
        ['detector', 'recall', 'precision', 'clean flagged', 'random recall', 'random precision'],
        present.map((detector) => [detector, ...measured(of(detector))]),
      ),
    ]
  })
}
