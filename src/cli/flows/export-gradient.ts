import { GauntletError } from '../../errors.js'
import type { Graph } from '../../graph/ir.js'
import { attackedInput } from '../../graph/passes/preprocess.js'
import { renameValues } from '../../graph/passes/rename.js'
import { pick } from '../../graph/passes/select.js'
import { prepareModel } from '../../model/prepare.js'
import { loadModel } from '../../onnx/load.js'
import { saveModel } from '../../onnx/save.js'
import { compileGradient } from '../../step/compile.js'
import type { LossName } from '../../step/losses.js'
import { located } from '../../util/located.js'
import { checkFileWritable } from './writable.js'

export interface ExportOptions {
  readonly loss: LossName
  readonly input?: string | undefined
  readonly output?: string | undefined
}

export interface Exported {
  readonly path: string
  readonly nodes: number
  readonly opset: number
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly notes: readonly string[]
}

/** Compiles the gradient of a model file and writes it, in the model's own input layout and with its input's name. */
export async function exportGradient(
  model: string,
  path: string,
  options: ExportOptions,
): Promise<Exported> {
  if (path === model)
    throw new GauntletError('GNT_USAGE', {
      what: '--out would overwrite the model',
      where: path,
      fix: 'choose another file',
    })
  await checkFileWritable(path, 'the graph cannot be written')
  const { graph } = await loadModel(model)
  const { free, notes } = await compile(graph, options).catch((error: unknown) => {
    throw located(error, model)
  })
  await saveModel({ ...free, name: 'gradient' }, path)
  return {
    path,
    nodes: free.nodes.length,
    opset: free.opsets['']!,
    inputs: free.inputs.map((value) => value.name),
    outputs: free.outputs.map((value) => value.name),
    notes,
  }
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
  { loss, input: named, output }: ExportOptions,
): Promise<{ free: Graph; notes: readonly string[] }> {
  const input = pick(graph.inputs, named, 'input')
  const prepared = await prepareModel(graph, { input: named, output, layout: 'nchw' })
  const compiled = compileGradient(prepared, { loss, targeted: false })
  const name = unusedName(input.name, compiled.graph)
  const free = renameValues(compiled.graph, (one) => (one === attackedInput ? name : one))
  return { free, notes: [...prepared.notes, ...compiled.approximations] }
}
