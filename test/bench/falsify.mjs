/**
 * `gauntlet falsify` on published properties of the VNN competition: how many counterexamples that are known to exist are
 * found, and how fast; whether one is claimed where none exists. Every witness is checked here, from its text, against
 * another reading of the properties.
 *
 *   npm run build && node test/bench/falsify.mjs [--timeout S] [--seed N] [--write]
 *
 * `--write` puts the table into FALSIFY.md beside this file. Expected answers are read here, never by what is measured.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import ort from 'onnxruntime-node'

const root = join(import.meta.dirname, '../..')
const data = join(root, '../shared/data/vnncomp')
const program = join(root, 'dist/src/cli/main.js')
const workers = 2
const { values: flags } = parseArgs({
  options: {
    timeout: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean' },
  },
})

if (!existsSync(data)) {
  console.log('skipped: ../shared/data/vnncomp is absent')
  process.exit(0)
}

const gauntlet = (...args) =>
  execFileSync(process.execPath, [program, 'falsify', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  })

const csv = readFileSync(join(data, 'instances.csv'), 'utf8').trim().split(/\r?\n/)
const names = csv[0].split(',')
const rows = csv
  .slice(1)
  .map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i], cell])))

/** The properties as the data set's own reading has them, by id. */
const readings = new Map(
  readdirSync(join(data, 'instances')).flatMap((file) =>
    JSON.parse(gunzipSync(readFileSync(join(data, 'instances', file)))).instances.map((one) => [
      one.id,
      one,
    ]),
  ),
)

const sum = (terms, of) => (terms ?? []).reduce((total, [i, c]) => total + c * of[i], 0)

/** Whether the text of a witness is a counterexample: the box with 1e-6 slack, the atoms with none. */
async function isCounterexample(text, row) {
  const { x_lo, x_hi, dnf, input_name, input_shape } = readings.get(row.id)
  const values = { X: [], Y: [] }
  for (const [, letter, index, value] of text.matchAll(/\(([XY])_(\d+) (\S+?)\)/g))
    values[letter][Number(index)] = Number(value)
  const session = await ort.InferenceSession.create(join(data, row.onnx))
  const feed = new ort.Tensor('float32', Float32Array.from(values.X), input_shape)
  const [y] = Object.values(await session.run({ [input_name]: feed })).map((one) => one.data)
  await session.release()
  const isTrue = (atom) => sum(atom.y, y) + sum(atom.x, values.X) <= atom.le
  const isInside = values.X.every((x, i) => x >= x_lo[i] - 1e-6 && x <= x_hi[i] + 1e-6)
  return (
    text.startsWith('sat\n') &&
    values.X.length === x_lo.length &&
    values.Y.every((value, i) => value === y[i]) &&
    isInside &&
    dnf.some((atoms) => atoms.every(isTrue))
  )
}

const cells = (row) => `| ${row.join(' | ')} |`
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
const show = (value) => (value === undefined ? '–' : value.toFixed(2))

const folder = mkdtempSync(join(tmpdir(), 'gauntlet-bench-'))
try {
  const start = performance.now()
  const output = gauntlet(
    '--instances',
    join(data, 'instances.csv'),
    '--json',
    '--workers',
    String(workers),
    '--timeout',
    flags.timeout,
    '--seed',
    flags.seed,
    '-o',
    folder,
  )
  const wall = (performance.now() - start) / 1000
  const results = new Map(
    output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map((one) => [one.id, one]),
  )
  const wrong = []
  for (const row of rows) {
    const { result } = results.get(row.id)
    if (row.expected === 'sat' && result !== 'sat') wrong.push(`${row.id}: not found`)
    if (row.expected === 'unsat' && result === 'sat') wrong.push(`${row.id}: CONTRADICTION`)
    if (result === 'error') wrong.push(`${row.id}: error`)
    if (result === 'sat') {
      const text = readFileSync(join(folder, `${row.id}.txt`), 'utf8')
      if (!(await isCounterexample(text, row))) wrong.push(`${row.id}: THE WITNESS IS NONE`)
    }
  }
  // Each as a command of its own: start of the program, model, property, search.
  const commands = new Map()
  for (const row of rows.filter(({ expected }) => expected === 'sat')) {
    const begin = performance.now()
    gauntlet(join(data, row.onnx), join(data, row.vnnlib), '--timeout', flags.timeout)
    commands.set(row.id, (performance.now() - begin) / 1000)
  }
  const groups = [...new Set(rows.map(({ id }) => id.replace(/-\d+$/, '')))]
  const line = (name, own) => {
    const sat = own.filter(({ expected }) => expected === 'sat')
    const unsat = own.filter(({ expected }) => expected === 'unsat')
    const found = sat.filter(({ id }) => results.get(id).result === 'sat')
    const claimed = unsat.filter(({ id }) => results.get(id).result === 'sat')
    const seconds = found.map(({ id }) => results.get(id).seconds).toSorted((a, b) => a - b)
    const own2 = sat.map(({ id }) => commands.get(id)).toSorted((a, b) => a - b)
    return [
      name,
      `${found.length} of ${sat.length}`,
      `${claimed.length} of ${unsat.length}`,
      ...[quantile(seconds, 0.5), quantile(seconds, 0.9), seconds.at(-1)].map(show),
      show(quantile(own2, 0.5)),
    ]
  }
  const head = [
    'Properties',
    'Found of sat',
    'Claimed of unsat',
    'Median s',
    '90th s',
    'Slowest s',
    'Whole command s',
  ]
  const body = [
    ...groups.map((group) =>
      line(
        group,
        rows.filter(({ id }) => id.startsWith(`${group}-`)),
      ),
    ),
    line('**all**', rows),
  ]
  const table = [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...body]
    .map(cells)
    .join('\n')
  console.log(table)
  for (const one of wrong) console.log(one)
  console.log(`${rows.length} instances in ${wall.toFixed(0)} s on ${workers} workers`)
  if (flags.write) writeFileSync(join(import.meta.dirname, 'FALSIFY.md'), page(table, wrong, wall))
  process.exitCode = wrong.length === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function page(table, wrong, wall) {
  return `# Counterexamples of published properties

\`gauntlet falsify --instances\` on ${rows.length} properties of the VNN competitions of 2021 to 2024, with ${workers} workers on ${workers} cores of
${cpus()[0].model} and ${flags.timeout} s for each, the machine having a load of ${loadavg()[2].toFixed(1)}. \`sat\`: a counterexample is known to exist; \`unsat\`: verification tools agree
that there is none. Seconds are those of \`--json\` for what was found, from the reading of model and property on; the last
column is the median of \`gauntlet falsify NET.onnx PROPERTY.vnnlib\` as a command of its own, Node's start included. Every
witness was read back from its text and checked with ONNX Runtime against the data set's own reading of the property:
the atoms without tolerance. Written by \`node test/bench/falsify.mjs --write\`.

${table}

${wrong.length === 0 ? 'Nothing is missing, and nothing contradicts what is known.' : wrong.map((one) => `- ${one}`).join('\n')} All ${rows.length} took ${wall.toFixed(0)} s, nearly all of it the limit of those
without an answer. Of the sat instances the harder ones were chosen for this set, of the unsat ones those that most tools
agree on: the rates are not those of the benchmarks.
`
}
