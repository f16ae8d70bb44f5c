import type { AuditFinding } from '../result.js'
import type { ScannedGraph, ScannedNode } from './scanned.js'

/** Domains whose operators are part of ONNX or of ONNX Runtime itself: no library of somebody else's is loaded. */
const knownDomains = new Set([
  '',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.nchwc',
  'com.ms.internal.nhwc',
])

/** Operators that run a program of the file's, or of the machine's. */
const programs = /^(PyOp|PythonOp|PythonOpGrad|ATen|EPContext|ExternalLoader)$/

/** Makes a tensor of a size that it is told. */
const makers = new Set(['ConstantOfShape', 'Expand', 'Tile', 'RandomNormal', 'RandomUniform'])
const absurdCount = 2 ** 34

/**
 * @param graphs - the main graph first, then the bodies of functions
 * @param local - `domain::name` of the file's own functions
 */
export function checkOperators(
  graphs: readonly ScannedGraph[],
  local: ReadonlySet<string>,
): AuditFinding[] {
  const nodes = graphs.flatMap((graph) => allNodes(graph))
  return [
    ...customOperators(nodes, local),
    ...graphs.flatMap((graph) => dependentBranches(graph, new Set(graph.inputs))),
    ...graphs.flatMap((graph) => hugeResults(graph)),
    ...(local.size > 0
      ? [
          {
            signal: 'local-functions',
            severity: 'note' as const,
            where: '',
            text: `defines functions of its own: ${some([...local])}`,
          },
        ]
      : []),
  ]
}

function allNodes({ nodes }: ScannedGraph): ScannedNode[] {
  return nodes.flatMap((node) => [node, ...node.graphs.flatMap(allNodes)])
}

function customOperators(
  nodes: readonly ScannedNode[],
  local: ReadonlySet<string>,
): AuditFinding[] {
  const foreign = new Map<string, number>()
  for (const { op, domain } of nodes) {
    const key = `${domain}::${op}`
    const isForeign = !knownDomains.has(domain) && !local.has(key)
    if (isForeign || programs.test(op)) foreign.set(key, (foreign.get(key) ?? 0) + 1)
  }
  return [...foreign].map(([key, count]) => ({
    signal: 'custom-operator',
    severity: 'error',
    where: key,
    text: `${count === 1 ? 'one node' : `${count} nodes`} of an operator that is no part of ONNX: to run it, code from elsewhere must be loaded`,
  }))
}

/** If and Loop whose condition, or number of rounds, depends on what the model is given. */
function dependentBranches(graph: ScannedGraph, outer: ReadonlySet<string>): AuditFinding[] {
  const constants = new Set(graph.initializers.map(({ name }) => name))
  const dependent = new Set([...outer].filter((name) => !constants.has(name)))
  const findings: AuditFinding[] = []
  for (const node of graph.nodes) {
    const isTold = node.inputs
      .slice(0, node.op === 'Loop' ? 2 : 1)
      .some((name) => dependent.has(name))
    if (node.domain === '' && (node.op === 'If' || node.op === 'Loop') && isTold)
      findings.push({
        signal: 'data-dependent-branch',
        severity: 'note',
        where: `node "${node.name}" (${node.op})`,
        text: 'what it computes depends on the sample: a branch that no test takes may hold anything',
      })
    for (const inner of node.graphs) {
      const inside = new Set([...dependent, ...inner.inputs])
      findings.push(...dependentBranches(inner, inside))
    }
    if (node.inputs.some((name) => dependent.has(name)) || readsOuter(node, dependent))
      // Sizes are not what a sample says.
      if (node.op !== 'Shape' && node.op !== 'Size')
        for (const output of node.outputs) dependent.add(output)
  }
  return findings
}

const readsOuter = (node: ScannedNode, dependent: ReadonlySet<string>): boolean =>
  node.graphs.some((inner) =>
    allNodes(inner).some(({ inputs }) => inputs.some((name) => dependent.has(name))),
  )

function hugeResults(graph: ScannedGraph): AuditFinding[] {
  const sizes = new Map(
    graph.initializers.flatMap(({ name, values }) => (values ? [[name, values]] : [])),
  )
  const own = graph.nodes.flatMap((node): AuditFinding[] => {
    if (!makers.has(node.op)) return []
    const count = node.inputs
      .flatMap((name) => sizes.get(name) ?? [])
      .reduce((product, size) => product * Math.max(1, Math.abs(size)), 1)
    if (count <= absurdCount) return []
    return [
      {
        signal: 'oversize-tensor',
        severity: 'error',
        where: `node "${node.name}" (${node.op})`,
        text: `makes ${count.toPrecision(3)} numbers of a few bytes`,
      },
    ]
  })
  return [...own, ...graph.nodes.flatMap(({ graphs }) => graphs.flatMap(hugeResults))]
}

export function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
