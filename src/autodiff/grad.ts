import { GauntletError } from '../errors.js'
import type { GraphBuilder } from '../graph/builder.js'
import type { Node } from '../graph/ir.js'
import type { Forms } from '../graph/lower/forms.js'
import { lowerings } from '../graph/lower/index.js'
import { realForms } from '../graph/lower/quantized.js'
import { operatorKey } from '../graph/operator-key.js'
import { capturedBy, neededBy } from '../graph/sort.js'
import { contextOf, gradientInfo } from './context.js'
import { behindForms, ownNodes } from './forms.js'
import { Approximations } from './approximations.js'
import { refusals, unlowered } from './refusals.js'
import type { RuleContext, RuleTable, SettledRule } from './rule.js'
import { rules as builtInRules } from './rules/index.js'
import { sumTo } from './sum-to.js'

export interface BackwardOptions {
  /** Forward nodes in topological order; their values' shapes are known to the builder. */
  readonly nodes: readonly Node[]
  /** Gradient that arrives at each of these values, by name. */
  readonly seeds: ReadonlyMap<string, string>
  /** Values to differentiate with respect to: inputs or initializers. */
  readonly wrt: readonly string[]
  readonly rules?: RuleTable
  /** Values that are differentiated as another value, which equals them up to rounding (`addForms`). */
  readonly forms?: Forms | undefined
}

export interface BackwardResult {
  /** The gradient of each `wrt` value. */
  readonly gradients: ReadonlyMap<string, string>
  /** Where a surrogate stands for a derivative: `straight-through at /q (Round)`. */
  readonly approximations: readonly string[]
}

/**
 * Reverse-mode differentiation: appends the nodes that compute d(seeded sum)/d(wrt) to `g`.
 * Only nodes between `wrt` and the seeds are visited, so an input gradient never pays for weights.
 *
 * @throws GNT_GRAD_NO_RULE naming operator, node and path; GNT_GRAD_CUT if nothing reaches a `wrt`
 */
export function backward(g: GraphBuilder, options: BackwardOptions): BackwardResult {
  const { seeds, wrt, forms = new Map<string, string>() } = options
  const nodes = behindForms(options.nodes, forms)
  const rules = options.rules ?? builtInRules
  const ruleOf: RuleOf = (node) => {
    const rule = rules[operatorKey(node)]
    return rule?.kind === 'choice' ? rule.choose(node, (name) => g.info(name)) : rule
  }
  const active = reachableFrom(wrt, nodes, ruleOf)
  const arriving = new Map<string, string[]>([...seeds].map(([value, seed]) => [value, [seed]]))
  const approximated = new Approximations()
  const through: RuleContext['through'] = (mark, inner, of) =>
    backward(g, { nodes: g.nodesSince(mark), seeds: inner, wrt: of, rules }).gradients

  // Several consumers: their gradients add up. Summed once, when the producer is reached.
  const total = (value: string): string | null => {
    const parts = arriving.get(value)
    if (!parts || parts.length === 0) return null
    const sum = parts.length === 1 ? parts[0]! : g.emit(parts.length === 2 ? 'Add' : 'Sum', parts)
    arriving.set(value, [sum])
    // A gradient has the shape of its value: rules and passes may ask for it.
    if (g.knows(value)) g.know(sum, gradientInfo(g.info(value)))
    return sum
  }

  const isOwn = ownNodes(nodes, seeds.keys(), forms)
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!
    const wants = node.inputs.map((input) => input !== '' && active.has(input))
    const reads = wants.includes(true) || capturedBy(node).some((value) => active.has(value))
    if (!reads || !node.outputs.some((output) => arriving.has(output))) continue
    if (node.outputs.some((output) => forms.has(output))) {
      for (const output of node.outputs) {
        const form = forms.get(output)
        if (form && arriving.has(output)) arriving.set(form, [total(output)!])
      }
      if (operatorKey(node) in realForms) approximated.add('real form', node)
      continue
    }
    const rule = ruleOf(node)
    if (rule?.kind === 'zero') continue
    if (!rule) throw noRule(node, nodes, wrt, rules)
    if (rule.kind === 'straightThrough' && isOwn(node)) approximated.add(rule.surrogate, node)
    const dy = node.outputs.map((output) => (output === '' ? null : total(output)))
    const dx = rule.apply(contextOf(g, node, dy, wants, through))
    node.inputs.forEach((input, k) => {
      const part = dx[k]
      if (!wants[k] || !part) return
      const broadcasts = rule.kind === 'gradient' && rule.broadcasts
      const fitted = broadcasts
        ? sumTo(g, part, g.info(node.outputs[0]!).shape, g.info(input).shape)
        : part
      arriving.set(input, [...(arriving.get(input) ?? []), fitted])
    })
  }

  const gradients = new Map<string, string>()
  for (const value of wrt) {
    const gradient = total(value)
    if (gradient === null) throw cut(value, nodes, ruleOf)
    gradients.set(value, gradient)
  }
  return { gradients, approximations: approximated.phrases() }
}

type RuleOf = (node: Node) => SettledRule | undefined

/** Values that depend on `wrt` through operators that let a gradient pass. */
function reachableFrom(
  wrt: readonly string[],
  nodes: readonly Node[],
  ruleOf: RuleOf,
): Set<string> {
  const active = new Set(wrt)
  for (const node of nodes) {
    if (neededBy(node).some((value) => active.has(value)) && ruleOf(node)?.kind !== 'zero')
      for (const output of node.outputs) if (output) active.add(output)
  }
  return active
}

function noRule(
  node: Node,
  nodes: readonly Node[],
  wrt: readonly string[],
  rules: RuleTable,
): GauntletError {
  return new GauntletError('GNT_GRAD_NO_RULE', {
    what: `no gradient rule for ${node.domain || 'ai.onnx'}::${node.op}`,
    where: `node ${node.name}, path ${pathThrough(node, nodes, wrt)}`,
    got:
      refusals[operatorKey(node)] ??
      unlowered[operatorKey(node)] ??
      // In a list of what is lowered, and still here.
      (operatorKey(node) in lowerings
        ? 'attributes or inputs with which it has no simpler form'
        : `an operator outside the ${Object.keys(rules).length} that have a rule (gauntlet ops)`),
    fix: 'use an attack that needs no gradient (gauntlet attacks), or name an earlier output with --output',
  })
}

/** `images > /conv1 > … > /nms > … > logits`: the way from the input to the loss through `node`. */
function pathThrough(node: Node, nodes: readonly Node[], wrt: readonly string[]): string {
  const producer = new Map(nodes.flatMap((n) => n.outputs.map((output) => [output, n] as const)))
  const back: string[] = []
  for (let at: Node | undefined = node; at && back.length < 1000;) {
    back.unshift(at.name)
    const from: string | undefined = at.inputs.find((input) => producer.has(input))
    if (from === undefined) break
    at = producer.get(from)
  }
  const forth: string[] = []
  for (let at: Node | undefined = node; at && forth.length < 1000;) {
    const produced: readonly string[] = at.outputs
    at = nodes.find((n) => n.inputs.some((input) => input !== '' && produced.includes(input)))
    if (at) forth.push(at.name)
  }
  return [wrt[0], ...short(back), ...short(forth), 'loss'].join(' > ')
}

const short = (names: string[]): string[] =>
  names.length > 4 ? [names[0]!, '…', ...names.slice(-2)] : names

function cut(value: string, nodes: readonly Node[], ruleOf: RuleOf): GauntletError {
  const touched = new Set([value])
  const cuts: string[] = []
  for (const node of nodes) {
    if (!node.inputs.some((input) => touched.has(input))) continue
    if (ruleOf(node)?.kind === 'zero') {
      // A Shape reads no values: it is never what cuts a path.
      if (node.op !== 'Shape' && node.op !== 'Size') cuts.push(`${node.name} (${node.op})`)
    } else for (const output of node.outputs) touched.add(output)
  }
  return new GauntletError('GNT_GRAD_CUT', {
    what: 'no differentiable path from the loss to the input',
    where: value,
    got:
      cuts.length > 0
        ? `the path is cut at ${cuts.slice(0, 3).join(', ')}`
        : 'an output that does not depend on it',
    fix: 'use an attack that needs no gradient, or name another output with --output',
  })
}
