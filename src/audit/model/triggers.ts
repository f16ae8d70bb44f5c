import { GauntletError } from '../../errors.js'
import { argmax, type ModelHandle } from '../../model/handle.js'
import { openStep } from '../../model/sessions.js'
import type { Session } from '../../runtime/session.js'
import { compileTrigger, triggerForms, type TriggerForm } from '../../step/trigger.js'
import { additiveDefaults, additiveSearch, startAdditive } from './additive.js'
import { patchDefaults, patchSearch, startPatch } from './patch.js'
import type { Parts } from './samples.js'
import { runSearches } from './search.js'
import { stamp } from './stamp.js'
import type { AuditSamples, FoundTrigger, SearchJob } from './types.js'

/** Most samples of one call of the runtime: more at once are no faster, and take memory. */
const rowsAtMost = 512

export interface TriggerSearch {
  readonly model: ModelHandle
  readonly samples: AuditSamples
  readonly parts: Parts
  readonly seeds: readonly number[]
  /** Searches of each form end after so many steps at the latest. Default: as the form says. */
  readonly steps?: number | undefined
  /** Groups of searches that run at the same time, a core each. The results do not depend on it. */
  readonly parallel: number
  readonly isCancelled: () => boolean
  /** After each step: groups and shares of groups that are done. */
  readonly onProgress?: ((share: number) => void) | undefined
}

/** A trigger, and the share of samples not searched with that it sends to its class. */
export interface MeasuredTrigger extends FoundTrigger {
  readonly reach: number
}

const settingsOf = {
  patch: (steps: number | undefined) => {
    const settings = { ...patchDefaults, ...(steps === undefined ? {} : { steps }) }
    return {
      settings,
      search: patchSearch(settings),
      start: (job: SearchJob, samples: AuditSamples) => startPatch(job, samples, settings),
    }
  },
  additive: (steps: number | undefined) => {
    const settings = { ...additiveDefaults, ...(steps === undefined ? {} : { steps }) }
    return {
      settings,
      search: additiveSearch(settings),
      start: (job: SearchJob, samples: AuditSamples) => startAdditive(job, samples, settings),
    }
  },
} as const

/**
 * The least trigger of each form to each class, from each seed.
 * @returns one for each form, seed and class, in this order
 * @throws GNT_INTERRUPTED; as `compileTrigger`
 */
export async function searchTriggers(search: TriggerSearch): Promise<MeasuredTrigger[]> {
  const { model, samples } = search
  const sessions = new Map<TriggerForm, Session>()
  try {
    for (const form of triggerForms) {
      const { graph } = compileTrigger(model.prepared, { form, bounds: samples.bounds })
      sessions.set(form, await openStep(model.prepared, graph))
    }
    const found = await runGroups(groupsOf(search), search, sessions)
    const measured: MeasuredTrigger[] = []
    for (const one of found) {
      refuseCancelled(search)
      measured.push({ ...one, reach: await reachOf(one, search) })
    }
    return measured
  } finally {
    for (const session of sessions.values()) await session.close()
  }
}

/** Searches of one form and seed that run side by side. */
function groupsOf({ parts, seeds }: TriggerSearch): SearchJob[][] {
  const most = Math.floor(rowsAtMost / patchDefaults.batch)
  return triggerForms.flatMap((form) =>
    seeds.flatMap((seed) => {
      const jobs = parts.sources.map((sources, target) => ({ form, target, seed, sources }))
      return chunks(jobs, most)
    }),
  )
}

async function runGroups(
  groups: readonly (readonly SearchJob[])[],
  search: TriggerSearch,
  sessions: ReadonlyMap<TriggerForm, Session>,
): Promise<FoundTrigger[]> {
  const found: FoundTrigger[][] = groups.map(() => [])
  const shares = groups.map(() => 0)
  const report = (): void =>
    search.onProgress?.(shares.reduce((sum, share) => sum + share, 0) / groups.length)
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < groups.length; at = next++) {
      const jobs = groups[at]!
      const { form } = jobs[0]!
      const { settings, search: steps, start } = settingsOf[form](search.steps)
      const states = jobs.map((job) => start(job, search.samples))
      found[at] = await runSearches(sessions.get(form)!, search.samples, states, steps, () => {
        refuseCancelled(search)
        report()
        shares[at] = Math.min(1, shares[at]! + 1 / settings.steps)
      })
      shares[at] = 1
      report()
    }
  }
  // All of them end before an error goes on: sessions must not be closed under a run.
  const ends = await Promise.allSettled(Array.from({ length: search.parallel }, work))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return found.flat()
}

async function reachOf(found: FoundTrigger, search: TriggerSearch): Promise<number> {
  const { model, samples, parts } = search
  const { target } = found.job
  const held = parts.held[target]!
  const size = samples.x.length / samples.count
  const x = new Float32Array(held.length * size)
  held.forEach((row, i) => {
    const clean = samples.x.subarray(row * size, (row + 1) * size)
    x.set(stamp(found.trigger, clean, samples.bounds), i * size)
  })
  const scores = await model.scores(x, held.length, 64)
  const { classes } = model
  const sent = held.filter((_, i) => argmax(scores, i * classes, classes) === target)
  return sent.length / held.length
}

function refuseCancelled({ isCancelled }: TriggerSearch): void {
  if (isCancelled())
    throw new GauntletError('GNT_INTERRUPTED', { what: 'interrupted; nothing was written' })
}

function chunks<T>(values: readonly T[], most: number): T[][] {
  const count = Math.ceil(values.length / most)
  const size = Math.ceil(values.length / count)
  return Array.from({ length: count }, (_, i) => values.slice(i * size, (i + 1) * size))
}
