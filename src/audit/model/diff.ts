import type { Attr, Graph, Node, Tensor } from '../../graph/ir.js'
import { elementCount, numbers } from '../../graph/tensor.js'
import type { AuditFinding, ModelDiff, WeightChange } from './result.js'

/** What a new version may have changed: everything, or the weights of the last layer alone. */
export type DeclaredChange = 'any' | 'head'

/**
 * What tells two versions of a model apart. Nodes are matched by name, where the exporter gives names that last, else by
 * their operator and their place among those of it; weights by the place where they are read.
 */
export function diffModels(before: Graph, now: Graph): ModelDiff {
  const [old, fresh] = [before, now].map(placed)
  const both = [...fresh!.nodes].filter(([key]) => old!.nodes.has(key))
  const [oldWeights, newWeights] = [weightsOf(before, old!), weightsOf(now, fresh!)]
  const head = headOf(now, fresh!)
  const shared = [...newWeights].filter(([key]) => oldWeights.has(key))
  const weights = shared.flatMap(([key, weight]) => {
    const change = weightChange(oldWeights.get(key)!.tensor, weight.tensor)
    return change ? [{ ...describe(weight), ...change, isHead: weight.key === head }] : []
  })
  return {
    added: [...fresh!.nodes].flatMap(([key, node]) => (old!.nodes.has(key) ? [] : [shown(node)])),
    removed: [...old!.nodes].flatMap(([key, node]) => (fresh!.nodes.has(key) ? [] : [shown(node)])),
    changed: both.flatMap(([key, node]) =>
      isSame(old!.nodes.get(key)!, node, old!.keys, fresh!.keys) ? [] : [shown(node)],
    ),
    weightsAdded: [...newWeights].flatMap(([key, { name }]) => (oldWeights.has(key) ? [] : [name])),
    weightsRemoved: [...oldWeights].flatMap(([key, { name }]) =>
      newWeights.has(key) ? [] : [name],
    ),
    weights,
    weightsSame: shared.length - weights.length,
    interface: interfaceChanges(before, now),
  }
}

/** What a declared change does not cover is a finding; of `any`, only what nobody would call training. */
export function diffFindings(diff: ModelDiff, declared: DeclaredChange): AuditFinding[] {
  const structure = [...diff.added, ...diff.removed, ...diff.changed, ...diff.interface]
  const findings: AuditFinding[] = []
  if (structure.length > 0)
    findings.push({
      signal: 'graph-changed',
      severity: declared === 'head' ? 'error' : 'note',
      where: '',
      text: [
        diff.added.length > 0 && `added ${list(diff.added)}`,
        diff.removed.length > 0 && `removed ${list(diff.removed)}`,
        diff.changed.length > 0 && `changed ${list(diff.changed)}`,
        diff.interface.length > 0 && list(diff.interface),
      ]
        .filter(Boolean)
        .join('; '),
    })
  const elsewhere = diff.weights.filter(({ isHead }) => !isHead)
  if (declared === 'head' && elsewhere.length > 0)
    findings.push({
      signal: 'weights-changed',
      severity: 'error',
      where: '',
      text: `only the head was declared to change, but so did ${list(elsewhere.map(({ name, relative }) => (relative === null ? name : `${name} by ${Number((100 * relative).toPrecision(2))} %`)))}`,
    })
  return findings
}

/** Nodes by what they are called in both versions, and of each value what it is called. */
interface Placed {
  readonly nodes: ReadonlyMap<string, Node>
  readonly keys: ReadonlyMap<string, string>
}

function placed(graph: Graph): Placed {
  const counts = new Map<string, number>()
  const nodes = new Map<string, Node>()
  const keys = new Map<string, string>()
  graph.inputs.forEach(({ name }, i) => keys.set(name, `input ${i}`))
  for (const node of graph.nodes) {
    const kind = `${node.domain}::${node.op}`
    const count = counts.get(kind) ?? 0
    counts.set(kind, count + 1)
    const key = hasLastingName(node) ? `${kind} ${node.name}` : `${kind} #${count}`
    nodes.set(key, node)
    node.outputs.forEach((output, i) => keys.set(output, `${key}:${i}`))
  }
  return { nodes, keys }
}

/** `Conv_12` counts nodes: one more in front and all that follow are called otherwise. */
const hasLastingName = ({ name, op }: Node): boolean => !new RegExp(`^/?${op}_?\\d*$`).test(name)

interface Weight {
  readonly name: string
  readonly tensor: Tensor
  readonly node: Node
  /** Of the node that reads it. */
  readonly key: string
}

/** Weights by the place where they are read first; those that nothing reads by their name. */
function weightsOf(graph: Graph, { nodes }: Placed): Map<string, Weight> {
  const found = new Map<string, Weight>()
  const seen = new Set<string>()
  for (const [key, node] of nodes)
    node.inputs.forEach((name, i) => {
      const tensor = graph.initializers[name]
      if (!tensor || seen.has(name)) return
      seen.add(name)
      found.set(`${key} ← ${i}`, { name, tensor, node, key })
    })
  return found
}

/** The last node in order that has weights of more than one axis. */
function headOf(graph: Graph, { nodes }: Placed): string | undefined {
  return [...nodes].findLast(([, { inputs }]) =>
    inputs.some((name) => (graph.initializers[name]?.dims.length ?? 0) > 1),
  )?.[0]
}

const describe = ({ name, tensor, node }: Weight) => ({
  name,
  layer: node.name,
  op: node.op,
  shape: tensor.dims,
})

/** @returns undefined where nothing differs */
function weightChange(
  before: Tensor,
  now: Tensor,
): Pick<WeightChange, 'relative' | 'greatest'> | undefined {
  const isAlike = before.dtype === now.dtype && before.dims.join() === now.dims.join()
  if (!isAlike) return { relative: null, greatest: null }
  if (Buffer.compare(before.data, now.data) === 0) return undefined
  if (before.dtype === 'string') return { relative: null, greatest: null }
  const [a, b] = [numbers(before), numbers(now)]
  let [moved, size, greatest] = [0, 0, 0]
  for (let i = 0; i < elementCount(now.dims); i++) {
    const change = Math.abs(b[i]! - a[i]!)
    moved += change ** 2
    size += a[i]! ** 2
    if (change > greatest) greatest = change
  }
  const relative = Math.sqrt(moved / size)
  return { relative: Number.isFinite(relative) ? relative : null, greatest }
}

function isSame(
  a: Node,
  b: Node,
  keysOfA: ReadonlyMap<string, string>,
  keysOfB: ReadonlyMap<string, string>,
): boolean {
  return sources(a, keysOfA) === sources(b, keysOfB) && attrsText(a.attrs) === attrsText(b.attrs)
}

function attrsText(attrs: Readonly<Record<string, Attr>>): string {
  const sorted = Object.entries(attrs).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(sorted, plain)
}

function interfaceChanges(before: Graph, now: Graph): string[] {
  return [
    ['inputs', text(before.inputs), text(now.inputs)],
    ['outputs', text(before.outputs), text(now.outputs)],
    ['opsets', opsets(before), opsets(now)],
  ].flatMap(([what, old, fresh]) => (old === fresh ? [] : [`${what}: ${old} became ${fresh}`]))
}

const shown = ({ name, op }: Node): string => (name.includes(op) ? name : `${name} (${op})`)

const list = (names: readonly string[]): string =>
  names.length > 4
    ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more`
    : names.join(', ')

const sources = (node: Node, keys: ReadonlyMap<string, string>): string =>
  // Weights are compared by themselves, wherever they are called what.
  node.inputs.map((name) => keys.get(name) ?? (name === '' ? '' : 'weight')).join()

const plain = (_key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value

const text = (values: Graph['inputs']): string =>
  values
    .map(({ dtype, dims }) => `${dtype} [${dims?.map((dim) => dim ?? '?').join(', ') ?? '?'}]`)
    .join(' and ')

const opsets = (graph: Graph): string =>
  Object.entries(graph.opsets)
    .map(([domain, version]) => `${domain || 'ai.onnx'} ${version}`)
    .join(', ')
