import type { Check, Raised } from '../check.js'

/** P12. Labels and targets that are no class of the network, and losses that it has too few classes for. */
export const classCount: Check = {
  signal: 'P12',
  needs: [],
  async run(bench) {
    const { classes, job } = bench
    const found: Raised[] = []
    const beyond = job.labels.reduce(
      (count, label) => count + (label < 0 || label >= classes ? 1 : 0),
      0,
    )
    const has = `the network has ${classes} classes`
    if (beyond > 0)
      found.push({
        severity: 'error',
        text: `${has}, ${beyond} of ${job.labels.length} labels are none of them and count as wrong`,
      })
    for (const { goal } of job.threats)
      if (goal.kind === 'targeted' && typeof goal.target === 'number' && goal.target >= classes)
        found.push({ severity: 'error', text: `${has}, the target ${goal.target} is none of them` })
    const isTargeted = job.threats.some(({ goal }) => goal.kind === 'targeted')
    const least = isTargeted ? 4 : 3
    if (classes < least)
      found.push({
        severity: 'note',
        text: `${has}: the ${isTargeted ? 'targeted ' : ''}dlr loss needs ${least}, its attacks are missing from the set`,
      })
    return found
  },
}
