import { stat } from 'node:fs/promises'
import type { Dataset, DatasetSpec } from '../../data/dataset.js'
import { sampleSize, takeSamples } from '../../data/dataset.js'
import { loadDataset } from '../../data/load.js'
import { openStream, type StreamedDataset } from '../../data/stream/open.js'
import type { AuditSource } from '../types.js'
import { countClasses } from './memory-source.js'

/** A data set under audit, with what the detectors need not know. */
export interface OpenedSource {
  readonly source: AuditSource
  readonly labels: Int32Array
  readonly format: string
  readonly classNames?: readonly string[] | undefined
  /** Read from disk at every pass. */
  readonly isStreamed: boolean
}

/** Files of more bytes are not held in memory. */
const mostBytes = 2 ** 28
/** Values of a batch. */
const batchValues = 2 ** 19

/**
 * @param memoryBytes - greater files are read in parts, where their format allows it
 * @throws as `loadDataset`
 */
export async function openSource(
  spec: DatasetSpec,
  memoryBytes = mostBytes,
): Promise<OpenedSource> {
  const isFile = spec.format !== 'glyphs' && spec.path !== 'glyphs'
  const size = isFile
    ? await stat(spec.path).then(
        (found) => found.size,
        () => 0,
      )
    : 0
  const stream = size > memoryBytes ? await openStream(spec) : undefined
  return stream ? ofStream(stream) : ofDataset(await loadDataset(spec))
}

const samplesOf = (shape: readonly number[]): number =>
  Math.min(1024, Math.max(1, Math.floor(batchValues / sampleSize({ shape }))))

function ofDataset(dataset: Dataset): OpenedSource {
  const { count, shape, range, classes, labels, format, classNames } = dataset
  const most = samplesOf(shape)
  const source: AuditSource = {
    ...{ count, shape, range, classes },
    classCounts: countClasses(labels, classes),
    async *batches() {
      for (let from = 0; from < count; from += most) {
        const to = Math.min(count, from + most)
        const x = takeSamples(
          dataset,
          Array.from({ length: to - from }, (_, i) => from + i),
        )
        yield { from, x, labels: labels.subarray(from, to) }
      }
    },
  }
  return { source, labels, format, classNames, isStreamed: false }
}

function ofStream(stream: StreamedDataset): OpenedSource {
  const { count, shape, range, classes, labels, format } = stream
  const source: AuditSource = {
    ...{ count, shape, range, classes },
    classCounts: countClasses(labels, classes),
    async *batches() {
      for await (const { from, x } of stream.batches(samplesOf(shape)))
        yield { from, x, labels: labels.subarray(from, from + x.length / sampleSize({ shape })) }
    },
  }
  return { source, labels, format, isStreamed: true }
}
