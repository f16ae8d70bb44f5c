import type { AuditContext, AuditModel, AuditSource, Detection } from '../types.js'
import { judgeControl } from './control.js'
import { keepFeatures } from './lib/features.js'
import { crossValidate, trainAuditModel, type OpenModel } from './network.js'
import { missingNeeds, runDetector, type ChosenDetector } from './registry.js'
import type { ControlKind, DetectorResult } from './result.js'
import { normalControl, redrawnLabels } from './synthetic.js'
import { createRng } from '../../util/rng.js'

export interface DetectOptions {
  readonly source: AuditSource
  /** Data that the user trusts. */
  readonly control: AuditSource | null
  /** The user's own, for both; null: one is trained here on each. */
  readonly model: AuditModel | null
  readonly chosen: readonly ChosenDetector[]
  readonly falsePositiveRate: number
  readonly folds: number
  readonly seed: number
  checkpoint(): void
  /** What is being done now. */
  onStep(text: string): void
}

export interface DetectorOutcome {
  readonly result: DetectorResult
  /** Null where it could not run. */
  readonly detection: Detection | null
}

/** Runs each detector on a control, then on the data. */
export async function detect(options: DetectOptions): Promise<DetectorOutcome[]> {
  const { source, control, chosen } = options
  return withContext(options, source, 'the data', async (context) => {
    const outcomes: DetectorOutcome[] = []
    if (!control) {
      for (const one of chosen) outcomes.push(await runOne(one, context, null, options))
      return outcomes
    }
    return withContext(options, control, 'the control', async (trusted) => {
      for (const one of chosen) outcomes.push(await runOne(one, context, trusted, options))
      return outcomes
    })
  })
}

const needsModel = ({ chosen }: DetectOptions): boolean =>
  chosen.some(({ detector }) => detector.needs.includes('model'))
const needsOutOfSample = ({ chosen }: DetectOptions): boolean =>
  chosen.some(({ detector }) => detector.needs.includes('outOfSample'))

/** Trains what the chosen detectors need; features are computed once. */
async function withContext<T>(
  options: DetectOptions,
  source: AuditSource,
  what: string,
  use: (context: AuditContext) => Promise<T>,
): Promise<T> {
  const { seed, checkpoint, onStep, falsePositiveRate } = options
  const trained = await trainOwn(options, source, what)
  const model = trained ?? (needsModel(options) ? options.model : null)
  try {
    const outOfSample = needsOutOfSample(options)
      ? await crossValidate(source, options.folds, {
          seed,
          checkpoint,
          onFold: (fold) => onStep(`cross-validation on ${what}: ${fold}/${options.folds}`),
        })
      : null
    const rng = createRng('audit data', seed)
    const context = { source, model, outOfSample, falsePositiveRate, rng, checkpoint }
    if (model) onStep(`features of ${what}`)
    const release = await keepFeatures(context)
    return await use(context).finally(release)
  } finally {
    await trained?.close()
  }
}

async function trainOwn(
  options: DetectOptions,
  source: AuditSource,
  what: string,
): Promise<OpenModel | null> {
  if (options.model || !needsModel(options)) return null
  const { seed, checkpoint, onStep } = options
  return trainAuditModel(source, {
    seed,
    checkpoint,
    onEpoch: (epoch, epochs) => onStep(`training on ${what}: epoch ${epoch}/${epochs}`),
  })
}

async function runOne(
  chosen: ChosenDetector,
  context: AuditContext,
  trusted: AuditContext | null,
  { onStep, falsePositiveRate: rate }: DetectOptions,
): Promise<DetectorOutcome> {
  const { id, title, source } = chosen.detector
  const about = { id, title, source }
  const missing = missingNeeds(chosen.detector, context)
  if (missing.length > 0) {
    const why = `needs ${missing.join(' and ')}`
    const none = { judged: 0, flagged: 0, threshold: null, control: null }
    return { result: { ...about, ...none, status: 'not applicable', why }, detection: null }
  }
  onStep(`${id}: control`)
  const [kind, controlled] = await controlFor(chosen, context, trusted)
  const onControl = controlled && (await runDetector(chosen, controlled))
  onStep(id)
  const detection = await runDetector(chosen, context)
  const { judged, flagged } = judgeControl(detection, rate)
  const control = onControl?.notApplicable === null ? judgeControl(onControl, rate) : null
  const whyNot = detection.notApplicable ?? (control?.isVoid ? voidText(control.rate, rate) : null)
  return {
    detection,
    result: {
      ...about,
      judged,
      flagged,
      threshold: leastThreshold(detection),
      control: control && {
        kind,
        judged: control.judged,
        flagged: control.flagged,
        rate: control.rate,
      },
      status: detection.notApplicable
        ? 'not applicable'
        : !control
          ? 'unchecked'
          : control.isVoid
            ? 'void'
            : 'used',
      why: whyNot ?? (control ? null : uncheckedText(onControl)),
    },
  }
}

const voidText = (found: number, stated: number): string =>
  `flags ${(100 * found).toFixed(1)} % of the control, where ${(100 * stated).toFixed(1)} % is stated`

const uncheckedText = (onControl: Detection | null): string =>
  onControl?.notApplicable
    ? `control: ${onControl.notApplicable}`
    : 'no control: name trusted data with --control'

function leastThreshold({ threshold }: Detection): number | null {
  const least = typeof threshold === 'number' ? threshold : Math.min(...threshold)
  return Number.isFinite(least) ? least : null
}

/** Detectors of classes' features, which a normal control says something about. */
const onFeatures = new Set(['spectral-signatures', 'activation-clustering', 'spectre'])
const onLabels = new Set(['label-conflict', 'confident-learning'])

async function controlFor(
  { detector }: ChosenDetector,
  context: AuditContext,
  trusted: AuditContext | null,
): Promise<[ControlKind, AuditContext | null]> {
  if (trusted) return ['file', trusted]
  if (onFeatures.has(detector.id)) return ['normal', await normalControl(context)]
  if (onLabels.has(detector.id) && context.outOfSample)
    return ['redrawn labels', await redrawnLabels(context)]
  return ['file', null]
}
