import { attackedInput } from '../graph/passes/preprocess.js'
import { padRows, type ModelHandle } from '../model/handle.js'
import type { Feed } from '../runtime/session.js'
import type { ThreatModel } from '../threat/threat-model.js'
import type { Living } from './living.js'

export interface StepCall {
  /** First living row, and how many. */
  readonly from: number
  readonly count: number
  /** Rows of the call, at least `count`: the rest repeats the first. */
  readonly rows: number
  readonly stepSize: number
}

/** What one call of a step program is fed, per norm and goal; `compileStep` says what each is. */
export function stepFeeds(
  model: ModelHandle,
  threat: ThreatModel,
  living: Living,
  { from, count, rows, stepSize }: StepCall,
): Record<string, Feed> {
  const dims = [rows, ...model.prepared.sampleShape]
  const samples = (array: Float32Array): Feed => {
    const part = array.subarray(from * living.size, (from + count) * living.size)
    return { dtype: 'float32', dims, data: padRows(part, living.size, rows) }
  }
  const classes = (array: BigInt64Array): Feed => {
    const data = new BigInt64Array(rows).fill(array[from]!)
    data.set(array.subarray(from, from + count))
    return { dtype: 'int64', dims: [rows], data }
  }
  return {
    [attackedInput]: samples(living.xAdv),
    labels: classes(living.labels),
    step_size: scalar(stepSize),
    ...(threat.goal.kind === 'targeted' ? { targets: classes(living.targets) } : {}),
    ...(threat.norm === 'linf'
      ? { lower: samples(living.lower), upper: samples(living.upper) }
      : { x: samples(living.x), epsilon: scalar(threat.epsilon) }),
  }
}

const scalar = (value: number): Feed => ({
  dtype: 'float32',
  dims: [],
  data: Float32Array.of(value),
})
