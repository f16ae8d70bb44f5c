import { memorySource } from '../audit/data/memory-source.js'
import { missingNeeds, runDetector, type DetectorRegistry } from '../audit/data/registry.js'
import type { AuditContext, AuditModel, Detection } from '../audit/types.js'
import type { DetectorSpec } from '../plan/trial.js'
import type { LabelledSamples } from '../poison/types.js'
import { createRng } from '../util/rng.js'
import type { Network } from './network.js'

export interface DetectRequest {
  readonly spec: DetectorSpec
  readonly registry: DetectorRegistry
  readonly samples: LabelledSamples
  /** Trained on the samples. */
  readonly network: Network
  /** Probabilities by networks that were not trained on them; asked for only where the detector needs them. */
  readonly outOfSample: () => Promise<Float32Array>
  readonly falsePositiveRate: number
  readonly seed: number
  readonly checkpoint: () => void
}

/** Runs a detector on a training set and the network that was trained on it. */
export async function detect(request: DetectRequest): Promise<Detection> {
  const { spec, registry, samples, network, falsePositiveRate, seed, checkpoint } = request
  const detector = registry.get(spec.detector)
  const needsOther = detector.needs.includes('outOfSample')
  const context: AuditContext = {
    source: memorySource(samples),
    model: auditModel(network),
    outOfSample: needsOther ? await request.outOfSample() : null,
    falsePositiveRate,
    rng: createRng('trial detectors', seed),
    checkpoint,
  }
  if (missingNeeds(detector, context).length > 0)
    return {
      scores: new Float64Array(samples.count).fill(NaN),
      threshold: Infinity,
      suspects: new Int32Array(),
      notApplicable: 'the network has no linear layer at its end whose input could be read',
    }
  return await runDetector({ detector, params: spec.params }, context)
}

function auditModel({ featureWidth, features, scores }: Network): AuditModel | null {
  return featureWidth === null ? null : { featureWidth, features, scores }
}
