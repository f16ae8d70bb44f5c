import { GauntletError } from '../../errors.js'
import { didYouMean } from '../../util/did-you-mean.js'
import { firstProblem } from '../../util/schema-problem.js'
import type { AuditContext, Detection, Detector } from '../types.js'

/** A detector with checked parameters, all filled in. */
export interface ChosenDetector {
  readonly detector: Detector
  readonly params: Readonly<Record<string, unknown>>
}

/** Detectors by id. */
export class DetectorRegistry {
  readonly #detectors = new Map<string, Detector>()

  /** @throws GNT_CONFIG on two of one id */
  constructor(detectors: readonly Detector[]) {
    for (const detector of detectors) {
      if (this.#detectors.has(detector.id))
        throw new GauntletError('GNT_CONFIG', {
          what: `two detectors are called ${detector.id}`,
          fix: 'give one of them another id',
        })
      this.#detectors.set(detector.id, detector)
    }
  }

  get all(): readonly Detector[] {
    return [...this.#detectors.values()]
  }

  /** @throws GNT_DETECTOR with the nearest name */
  get(id: string): Detector {
    const detector = this.#detectors.get(id)
    if (detector) return detector
    const names = [...this.#detectors.keys()]
    const near = didYouMean(id, names)
    throw new GauntletError('GNT_DETECTOR', {
      what: `no detector is called ${id}`,
      expected: names.join(', '),
      fix: near ? `did you mean ${near}?` : 'see gauntlet audit data --help',
    })
  }

  /** @throws GNT_DETECTOR naming the parameter that is wrong */
  choose(id: string, params: Readonly<Record<string, unknown>> = {}): ChosenDetector {
    const detector = this.get(id)
    const parsed = detector.params.safeParse(params)
    if (parsed.success)
      return { detector, params: parsed.data as Readonly<Record<string, unknown>> }
    const { path, ...problem } = firstProblem(detector.params, params, parsed.error)
    throw new GauntletError('GNT_DETECTOR', {
      ...problem,
      where: path ? `parameter ${path} of ${id}` : `parameters of ${id}`,
    })
  }
}

/** What of its needs the context does not have; empty: it can run. */
export function missingNeeds(
  { needs }: Detector,
  { model, outOfSample }: Pick<AuditContext, 'model' | 'outOfSample'>,
): readonly Detector['needs'][number][] {
  return needs.filter((need) => (need === 'model' ? model === null : outOfSample === null))
}

/** Runs one detector. The same context gives the same answer: its random stream is forked by the detector's id. */
export function runDetector(chosen: ChosenDetector, context: AuditContext): Promise<Detection> {
  const { detector, params } = chosen
  return detector.detect({ ...context, rng: context.rng.fork(detector.id) }, params)
}
