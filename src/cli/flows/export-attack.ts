import { basename } from 'node:path'
import { GauntletError } from '../../errors.js'
import { prepareModel } from '../../model/prepare.js'
import { loadModel } from '../../onnx/load.js'
import { saveModel } from '../../onnx/save.js'
import type { AscentLoss } from '../../step/losses.js'
import { compilePortableStep } from '../../step/portable.js'
import type { FusedNorm } from '../../threat/threat-model.js'
import { located } from '../../util/located.js'
import { checkEpsilon } from './checks.js'
import type { Exported } from './export-gradient.js'
import { attackReadme, type Recipe } from './export-readme.js'
import { checkFileWritable, checkOverwrites, writeWhole } from './writable.js'

export interface AttackExportOptions {
  readonly attack: 'pgd' | 'fgsm'
  readonly norm: FusedNorm
  readonly epsilon?: number | undefined
  readonly steps?: number | undefined
  readonly stepSize?: number | undefined
  readonly targeted: boolean
  readonly loss: AscentLoss
  readonly range: readonly [number, number]
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
  readonly layout?: 'nchw' | 'nhwc' | undefined
  readonly input?: string | undefined
  readonly output?: string | undefined
}

/**
 * Writes the fused attack step of a model as an ONNX file, and beside it what a person needs to run the attack with
 * it: `step.onnx` and `step.README.md`.
 */
export async function exportAttack(
  model: string,
  path: string,
  options: AttackExportOptions,
): Promise<Exported & { readonly readme: string }> {
  const readme = `${path.replace(/\.onnx$/, '')}.README.md`
  await checkOverwrites('--out', path, 'the model', [model])
  for (const file of [path, readme]) await checkFileWritable(file, 'the attack cannot be written')
  const recipe = recipeOf(options)
  const { graph, externalFiles } = await loadModel(model)
  await checkOverwrites('--out', path, 'the weights of the model', externalFiles)
  const { compiled, prepared } = await compile(graph, options).catch((error: unknown) => {
    throw located(error, model)
  })
  const notes = [...prepared.notes, ...compiled.approximations]
  const page = attackReadme({
    file: basename(path),
    recipe,
    sampleShape: prepared.sampleShape,
    classes: prepared.classes,
    batch: prepared.batch,
    mean: options.mean,
    std: options.std,
    opset: compiled.graph.opsets['']!,
    domains: Object.keys(compiled.graph.opsets).filter((domain) => domain !== ''),
    notes,
  })
  await saveModel(compiled.graph, path, {
    doc: `One step of ${recipe.attack} in ${recipe.norm}; ${basename(readme)} says how to run it.`,
    metadata: metadataOf(recipe),
  })
  await writeWhole(readme, page, 'the attack cannot be written')
  return {
    path,
    readme,
    nodes: compiled.graph.nodes.length,
    opset: compiled.graph.opsets['']!,
    inputs: compiled.graph.inputs.map((value) => value.name),
    outputs: compiled.graph.outputs.map((value) => value.name),
    notes,
  }
}

/** The recipe in the file itself, for programs that run it: `gauntlet.epsilon`, `gauntlet.step_size`, … */
function metadataOf({ range, stepSize, randomStart, ...rest }: Recipe): Record<string, string> {
  const facts = { ...rest, step_size: stepSize, random_start: randomStart, bounds: range.join(',') }
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`gauntlet.${name}`, String(value)]),
  )
}

/** Madry et al. 2018, arXiv:1706.06083: steps of 2.5 ε / n; FGSM is one of ε from the sample itself. */
function recipeOf(options: AttackExportOptions): Recipe {
  const { attack, norm, targeted, loss, range } = options
  const epsilon = epsilonOf(options)
  const isSingle = attack === 'fgsm'
  if (isSingle && (options.steps ?? 1) !== 1)
    throw new GauntletError('GNT_USAGE', {
      what: 'FGSM is one step',
      where: '--steps',
      got: String(options.steps),
      fix: 'use --attack pgd for more',
    })
  const steps = isSingle ? 1 : (options.steps ?? 40)
  const stepSize = options.stepSize ?? (isSingle ? epsilon : epsilon * Math.min(1, 2.5 / steps))
  return { attack, norm, epsilon, steps, stepSize, randomStart: !isSingle, targeted, loss, range }
}

function epsilonOf({ norm, epsilon, range }: AttackExportOptions): number {
  if (epsilon === undefined && norm !== 'linf')
    throw new GauntletError('GNT_USAGE', {
      what: 'an epsilon is needed',
      where: '--eps',
      fix: norm === 'l2' ? 'give --eps, as in --eps 0.5' : 'give --eps, as in --eps 12',
    })
  const given = epsilon ?? 8 / 255
  checkEpsilon({ norm, epsilon: given, bounds: range }, '--eps')
  return given
}

async function compile(
  graph: Awaited<ReturnType<typeof loadModel>>['graph'],
  { norm, loss, targeted, range, ...options }: AttackExportOptions,
) {
  const { mean, std, layout, input, output } = options
  const prepared = await prepareModel(graph, { mean, std, layout, input, output, range })
  const step = { norm, loss, targeted, bounds: range } as const
  return { prepared, compiled: compilePortableStep(prepared, step) }
}
