import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const top = ['src', 'attacks', 'suites', 'workers', 'reports']

/**
 * Which rooms a room may import from, itself and `free` apart. Type-only imports count: an arrow is
 * an arrow.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'src/util': [],
  'src/graph': [],
  'src/onnx': ['src/graph'],
  'src/autodiff': ['src/graph', 'src/onnx'],
  'src/threat': [],
  'src/step': ['src/autodiff', 'src/graph', 'src/threat'],
  'src/runtime': ['src/graph'],
  'src/data': [],
  'src/model': ['src/graph', 'src/onnx', 'src/runtime', 'src/step', 'src/data'],
  'src/plan': ['src/threat', 'src/data', 'src/stats'],
  'src/attack': ['src/model', 'src/step', 'src/runtime', 'src/threat', 'src/graph', 'src/plan'],
  'src/property': [],
  'src/falsify': ['src/property', 'src/model', 'src/step', 'src/runtime', 'src/graph', 'src/onnx'],
  'src/poison': ['src/model', 'src/step', 'src/runtime', 'src/graph', 'src/onnx', 'src/data'],
  'src/audit': [
    'src/audit/data/result.ts',
    'src/poison',
    'src/model',
    'src/step',
    'src/autodiff',
    'src/runtime',
    'src/graph',
    'src/onnx',
    'src/data',
    'src/stats',
  ],
  // What poison does to a training: joins poisons, training and detectors.
  'src/pipeline': [
    'src/audit',
    'src/data',
    'src/graph',
    'src/model',
    'src/onnx',
    'src/plan',
    'src/poison',
    'src/runtime',
  ],
  // Triggers are searched for with the gradient compiler; what is found is plain data.
  'src/audit/model': [
    'src/audit/model/result.ts',
    'src/data',
    'src/graph',
    'src/model',
    'src/onnx',
    'src/runtime',
    'src/stats',
    'src/step',
  ],
  'src/audit/model/result.ts': ['src/trust/finding.ts'],
  'src/audit/data/result.ts': [],
  'src/stats': [],
  'src/trust': [
    'src/trust/finding.ts',
    'src/attack',
    'src/graph',
    'src/model',
    'src/plan',
    'src/stats',
    'src/threat',
  ],
  'src/store': [
    'src/audit/model/result.ts',
    'src/plan',
    'src/data',
    'src/threat',
    'src/trust/finding.ts',
  ],
  // What was found is plain data; how it is found needs the engine.
  'src/trust/finding.ts': [],
  'src/gate': ['src/stats', 'src/threat'],
  'src/suite': ['src/threat', 'src/gate'],
  'src/config': [
    'src/runtime',
    'src/suite',
    'src/gate',
    'src/data',
    'src/threat',
    'src/attack',
    'src/plugin.ts',
  ],
  'src/reporter.ts': ['src/gate', 'src/stats', 'src/threat', 'src/trust/finding.ts'],
  'src/plugin.ts': ['src/attack', 'src/poison', 'src/step', 'src/threat', 'src/suite'],
  // Checks of attacks: they run them on models of their own, and beat the built-in noise.
  'src/plugin-kit': [
    'attacks',
    'src/attack',
    'src/config',
    'src/graph',
    'src/model',
    'src/runtime',
    'src/step',
    'src/threat',
  ],
  attacks: ['src/plugin.ts'],
  suites: ['src/plugin.ts'],
  // The script that made the demo's models uses the engine like any other program.
  'suites/demo': [
    'attacks',
    'src/attack',
    'src/data',
    'src/graph',
    'src/model',
    'src/onnx',
    'src/poison',
    'src/runtime',
    'src/step',
    'src/autodiff',
    'src/threat',
  ],
  workers: [
    'attacks',
    'src/config',
    'src/attack',
    'src/audit',
    'src/data',
    'src/falsify',
    'src/model',
    'src/pipeline',
    'src/poison',
    'src/onnx',
    'src/plan',
    'src/plugin.ts',
    'src/trust',
    'src/trust/finding.ts',
    'src/property',
  ],
  reports: [
    'src/audit/model/result.ts',
    'src/audit/data/result.ts',
    'src/reporter.ts',
    'src/gate',
    'src/stats',
    'src/store',
    'src/threat',
    'src/data',
    'src/plan',
  ],
  'src/index.ts': ['*'],
  'src/cli': ['*'],
}

/** Everyone may import these. */
const free = ['src/errors.ts', 'src/util']

const files = top.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name).replaceAll('\\', '/')),
)

/** Relative imports of a file, as paths from the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    ([, path]) => path!,
  )
  return specifiers.map((path) =>
    relative(root, join(root, dirname(file), path))
      .replaceAll('\\', '/')
      .replace(/\.js$/, '.ts'),
  )
}

/** The room a file belongs to: the longest prefix that has a rule. */
function roomOf(file: string): string {
  const rooms = Object.keys(allowed).filter((room) => file === room || file.startsWith(`${room}/`))
  return rooms.sort((a, b) => b.length - a.length)[0] ?? file
}

describe('arrows between rooms', () => {
  it('sees the tree', () => {
    expect(files.length).toBeGreaterThan(100)
    expect(importsOf('src/step/compile.ts')).toContain('src/autodiff/grad.ts')
  })

  it('point one way', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file).flatMap((target) => {
        const [from, to] = [roomOf(file), roomOf(target)]
        const rule = allowed[from]
        if (!rule) return [`${file}: no rule for its room`]
        const isFree = free.some((one) => target === one || target.startsWith(`${one}/`))
        if (from === to || isFree || rule.includes(to) || rule.includes('*')) return []
        return [`${file} imports ${target}: ${from} may not know ${to}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  it('make no cycle, between files either', () => {
    const graph = new Map(
      files.map((file) => [file, importsOf(file).filter((target) => files.includes(target))]),
    )
    const state = new Map<string, 'open' | 'done'>()
    const cycles: string[] = []
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return
      if (state.get(file) === 'open') {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' > '))
        return
      }
      state.set(file, 'open')
      for (const target of graph.get(file) ?? []) visit(target, [...path, file])
      state.set(file, 'done')
    }
    for (const file of files) visit(file, [])
    expect(cycles).toEqual([])
  })

  it('keep files small', () => {
    const sizes = files.map((file) => ({
      file,
      lines: readFileSync(join(root, file), 'utf8').split('\n').length,
    }))
    expect(sizes.filter(({ lines }) => lines > 450)).toEqual([])
  })
})
