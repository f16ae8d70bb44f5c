import type { Dataset } from '../../data/dataset.js'
import { GauntletError } from '../../errors.js'
import type { Graph } from '../../graph/ir.js'
import { ModelHandle } from '../../model/handle.js'
import { prepareModel, type PrepareOptions } from '../../model/prepare.js'
import { located } from '../../util/located.js'
import { judge, settledFindings } from './judge.js'
import { triggerPictures } from './pictures.js'
import type { AuditFinding, ClassAudit, TriggerPicture } from './result.js'
import { partSamples } from './samples.js'
import { searchTriggers } from './triggers.js'
import type { AuditSamples } from './types.js'

/** What is the same for all versions that are compared. */
export interface VersionOptions {
  readonly data: Dataset
  readonly samples: AuditSamples
  readonly prepare: Omit<PrepareOptions, 'sampleShape' | 'range'>
  readonly seeds: readonly number[]
  readonly steps: number | undefined
  readonly parallel: number
  readonly isCancelled: () => boolean
}

export interface VersionAudit {
  readonly classes: readonly ClassAudit[]
  readonly accuracy: number
  readonly pictures: readonly TriggerPicture[]
  readonly findings: readonly AuditFinding[]
}

/** Searches one version for triggers, and judges what is found. @param path - for messages */
export async function auditVersion(
  graph: Graph,
  path: string,
  options: VersionOptions,
  onProgress: (share: number) => void,
): Promise<VersionAudit> {
  const { data, samples, prepare, seeds } = options
  try {
    const { shape, bounds } = samples
    const prepared = await prepareModel(graph, { ...prepare, sampleShape: shape, range: bounds })
    const model = await ModelHandle.open(prepared)
    try {
      const { classes } = model
      checkLabels(data, classes)
      const parts = await partSamples(model, samples, classes)
      const found = await searchTriggers({ ...options, model, parts, onProgress })
      return {
        classes: judge(found, { seeds, classes, names: data.classNames }),
        accuracy: parts.accuracy,
        pictures: triggerPictures(found, seeds[0], samples, parts),
        findings: settledFindings(found),
      }
    } finally {
      await model.close()
    }
  } catch (error) {
    throw located(error, path)
  }
}

function checkLabels({ labels, source }: Dataset, classes: number): void {
  const at = labels.findIndex((label) => label >= classes)
  if (at < 0) return
  throw new GauntletError('GNT_DATA_VALUES', {
    what: 'a label is outside the classes of the model',
    where: `${source}, sample ${at}`,
    got: String(labels[at]),
    expected: `0 to ${classes - 1}`,
  })
}
