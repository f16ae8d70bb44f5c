import type { AttackJob, AttackResult } from './job.js'
import { Shard } from './shard.js'
import { contextOf, Start } from './start.js'

/** Runs an attack on a shard and judges it. Samples the model gets wrong already are not attacked. */
export async function runAttack(job: AttackJob): Promise<AttackResult> {
  const shard = new Shard(job)
  await shard.scoreClean()
  const { plugin, spec } = job
  for (let restart = 0; restart < spec.restarts && shard.standing.length > 0; restart++) {
    const start = new Start(shard, plugin, [spec.attack, restart])
    await plugin.run(contextOf(start), spec.params)
    await start.end()
  }
  return shard.result()
}
