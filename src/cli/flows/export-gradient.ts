import type { Graph, Value } from '../../graph/ir.js'
import { attackedInput } from '../../graph/passes/preprocess.js'
import { renameValues } from '../../graph/passes/rename.js'
import { pick } from '../../graph/passes/select.js'
import { isFloating } from '../../graph/tensor.js'
import { compileGradient as compileAny } from '../../model/gradient.js'
import { prepareModel } from '../../model/prepare.js'
import { loadModel } from '../../onnx/load.js'
import { saveModel } from '../../onnx/save.js'
import { compileGradient } from '../../step/compile.js'
import type { LossTerm } from '../../step/gradient.js'
import { lossNames, type AscentLoss } from '../../step/losses.js'
import type { ObjectiveName } from '../../step/objectives/index.js'
import { located } from '../../util/located.js'
import { checkFileWritable, checkOverwrites } from './writable.js'

export interface ExportOptions {
  readonly loss: ObjectiveName
  readonly input?: string | undefined
  readonly output?: string | undefined
  /** Any of these asks for a gradient of the file's own tensors, rather than of a classifier's loss. */
  readonly wrt?: readonly string[] | undefined
  readonly terms?: readonly LossTerm[] | undefined
  readonly dtype?: 'float32' | 'float64' | undefined
  readonly sizes?: Readonly<Record<string, number>> | undefined
}

export interface Exported {
  readonly path: string
  readonly nodes: number
  readonly opset: number
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Of each input and output, by name: `float32 [N, 3, 32, 32]`. */
  readonly types?: Readonly<Record<string, string>>
  readonly notes: readonly string[]
}

/** Compiles the gradient of a model file and writes it, in the model's own input layout and with its input's name. */
export async function exportGradient(
  model: string,
  path: string,
  options: ExportOptions,
): Promise<Exported> {
  await checkOverwrites('--out', path, 'the model', [model])
  await checkFileWritable(path, 'the graph cannot be written')
  const { graph, externalFiles } = await loadModel(model)
  await checkOverwrites('--out', path, 'the weights of the model', externalFiles)
  const { loss } = options
  const compiling =
    isClassifierLoss(loss) && !asksForMore(options)
      ? compile(graph, { ...options, loss })
      : compileTensors(graph, options)
  const { free, notes } = await compiling.catch((error: unknown) => {
    throw located(error, model)
  })
  await saveModel({ ...free, name: 'gradient' }, path)
  return {
    path,
    nodes: free.nodes.length,
    opset: free.opsets['']!,
    inputs: free.inputs.map((value) => value.name),
    outputs: free.outputs.map((value) => value.name),
    types: Object.fromEntries([...free.inputs, ...free.outputs].map(typeOf)),
    notes,
  }
}

const typeOf = ({ name, dtype, dims }: Value): [string, string] => [
  name,
  `${dtype} [${dims?.map((size) => size ?? '?').join(', ') ?? '…'}]`,
]

const isClassifierLoss = (loss: string): loss is AscentLoss =>
  lossNames.some((name) => name === loss)

const asksForMore = ({ wrt, terms, dtype, sizes }: ExportOptions): boolean =>
  [wrt, terms, dtype, sizes].some((one) => one !== undefined)

/** The gradient of a loss over tensors as the file has them: nothing is put in front, no Softmax is left out. */
async function compileTensors(
  graph: Graph,
  options: ExportOptions,
): Promise<{ free: Graph; notes: readonly string[] }> {
  const { loss, input, output, terms, dtype, sizes } = options
  const floating = graph.inputs.filter((value) => isFloating(value.dtype))
  const wrt = options.wrt ?? [pick(floating, input, 'input').name]
  const losses = terms ?? [
    { output: output ?? pick(graph.outputs, undefined, 'output').name, loss },
  ]
  const compiled = await compileAny(graph, { wrt, losses, dtype, sizes })
  return { free: compiled.graph, notes: [...compiled.notes, ...compiled.approximations] }
}

/** The input's own name, unless the graph uses it for something else: `labels`, `logits`, … */
function unusedName(name: string, graph: Graph): string {
  const taken = new Set([
    ...graph.inputs.map((value) => value.name),
    ...Object.keys(graph.initializers),
    ...graph.nodes.flatMap((node) => node.outputs),
  ])
  return taken.has(name) ? unusedName(`${name}_input`, graph) : name
}

async function compile(
  graph: Graph,
  { loss, input: named, output }: ExportOptions & { readonly loss: AscentLoss },
): Promise<{ free: Graph; notes: readonly string[] }> {
  const input = pick(graph.inputs, named, 'input')
  const prepared = await prepareModel(graph, { input: named, output, layout: 'nchw' })
  const compiled = compileGradient(prepared, { loss, targeted: false })
  const name = unusedName(input.name, compiled.graph)
  const free = renameValues(compiled.graph, (one) => (one === attackedInput ? name : one))
  return { free, notes: [...prepared.notes, ...compiled.approximations] }
}
