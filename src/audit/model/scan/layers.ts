import { GauntletError } from '../../../errors.js'
import type { AuditFinding } from '../result.js'
import { kerasLayers } from './keras-layers.js'
import { checkLocation } from './location.js'

/** Deeper objects than this are taken for a hostile file. */
const maxDepth = 200

/** Operators of a TF.js graph model that run Python, or touch files. */
const programs =
  /^(Py|EagerPy)Func(Stateless)?$|^(Read|Write)File$|^(Save|Restore)(V2|Slices)?$|^(Load|Custom).*Op$|^Print(V2)?$/

/** A tensor that takes more than this is no weight of a network that anybody audits on one machine. */
const absurdCount = 2 ** 34

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * Reads a TF.js `model.json` or the configuration of a Keras model: what of it would run a program of somebody else's.
 * Nothing is run.
 *
 * @throws GNT_MODEL_FORMAT when it is no JSON, or nested absurdly deep, or describes no model
 */
export function scanLayers(text: string, folder: string, where: string): AuditFinding[] {
  const refuse = (got: string, cause?: unknown): GauntletError =>
    new GauntletError(
      'GNT_MODEL_FORMAT',
      {
        what: 'not a readable TF.js or Keras model',
        where,
        got,
        expected: 'JSON with modelTopology, or class_name and config',
      },
      { cause },
    )
  let root: Json
  try {
    root = JSON.parse(text) as Json
  } catch (cause) {
    throw refuse('no JSON', cause)
  }
  if (!isObject(root)) throw refuse('JSON that is no object')
  if (!(
    'modelTopology' in root ||
    'weightsManifest' in root ||
    'class_name' in root ||
    'config' in root
  ))
    throw refuse(`an object with ${Object.keys(root).slice(0, 4).join(', ') || 'nothing in it'}`)
  const findings: AuditFinding[] = []
  walk(root, '', 0)
  findings.push(...manifestFindings(root, folder))
  return findings

  function walk(value: Json, path: string, depth: number): void {
    if (depth > maxDepth) throw refuse(`objects nested more than ${maxDepth} deep`)
    if (Array.isArray(value))
      value.forEach((each, i) => walk(each as Json, `${path}[${i}]`, depth + 1))
    else if (isObject(value)) {
      findings.push(...objectFindings(value, path))
      for (const [key, each] of Object.entries(value))
        walk(each, path === '' ? key : `${path}.${key}`, depth + 1)
    }
  }
}

function objectFindings(value: { readonly [key: string]: Json }, path: string): AuditFinding[] {
  const { class_name: kind, module, registered_name: registered, op } = value
  const where = nameOf(value) ?? path
  const found = (
    signal: string,
    severity: AuditFinding['severity'],
    text: string,
  ): AuditFinding[] => [{ signal, severity, where, text }]
  // Keras 3 writes the code of a Lambda layer as an object of its own: one finding is enough.
  if (kind === '__lambda__' && path.endsWith('config.function')) return []
  if (kind === 'Lambda' || kind === '__lambda__')
    return found('lambda-layer', 'error', 'the file carries code that runs when it is loaded')
  if (kind === 'TFOpLambda' || kind === 'SlicingOpLambda')
    return found(
      'lambda-layer',
      'warning',
      `${kind}: calls any function of TensorFlow that it names`,
    )
  if (typeof registered === 'string' && registered.includes('>'))
    return found('custom-object', 'warning', `${registered}: a class that is no part of Keras`)
  if (
    typeof module === 'string' &&
    !/^(keras|tensorflow\.keras|tf_keras|builtins)(\.|$)/.test(module)
  )
    return found(
      'custom-object',
      'error',
      `a class of the module ${JSON.stringify(module)}, which is imported when it is loaded`,
    )
  if (typeof kind === 'string' && isLayer(path) && !kerasLayers.has(kind))
    return found('custom-object', 'warning', `${kind}: a layer that is no part of Keras`)
  if (typeof op === 'string' && programs.test(op))
    return found('custom-operator', 'error', `${op}: runs code, or reads and writes files`)
  return []
}

const isLayer = (path: string): boolean => /(^|\.)layers\[\d+\]$|\.layer$/.test(path)

function nameOf({ config, name }: { readonly [key: string]: Json }): string | undefined {
  const inner = isObject(config) ? config['name'] : undefined
  const found = inner ?? name
  return typeof found === 'string' ? `layer ${found}` : undefined
}

/** Files of weights that lie elsewhere, and weights of absurd sizes. */
function manifestFindings(root: { readonly [key: string]: Json }, folder: string): AuditFinding[] {
  const groups = Array.isArray(root['weightsManifest']) ? (root['weightsManifest'] as Json[]) : []
  return groups.filter(isObject).flatMap((group) => {
    const list = (key: string): readonly Json[] =>
      Array.isArray(group[key]) ? (group[key] as Json[]) : []
    const paths = list('paths').flatMap((path): AuditFinding[] => {
      const problem = checkLocation(folder, String(path), 0)
      return problem ? [{ ...problem, where: 'weightsManifest' }] : []
    })
    const sizes = list('weights').filter(isObject).flatMap(weightFindings)
    return [...paths, ...sizes]
  })
}

function weightFindings({ name, shape }: { readonly [key: string]: Json }): AuditFinding[] {
  const sizes = Array.isArray(shape) ? shape.map(Number) : []
  const count = sizes.reduce((product, size) => product * size, 1)
  const isSound = sizes.every((size) => Number.isSafeInteger(size) && size >= 0)
  if (isSound && count <= absurdCount) return []
  return [
    {
      signal: 'oversize-tensor',
      severity: 'error',
      where: `weight ${typeof name === 'string' ? name : '?'}`,
      text: `claims [${sizes.join(', ')}], which no file holds`,
    },
  ]
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
