import type { Graph } from '../graph/ir.js'
import { lowerOnce } from '../graph/lower/lower.js'
import { exactSigns } from '../graph/passes/exact-signs.js'
import type { ValueInfos } from '../graph/shapes.js'
import { verify } from '../graph/verify.js'
import type { Feed } from '../runtime/session.js'
import { probeShapes } from './probe.js'
import { foldStatic } from './static-values.js'

/**
 * Composite operators written with simpler ones, until none is left, and the shapes of all values.
 * @throws what `probeShapes` and the lowerings throw
 */
export async function lowerAll(
  graph: Graph,
  batch: number | null,
  feed: (n: number) => Record<string, Feed>,
): Promise<{ graph: Graph; infos: ValueInfos }> {
  const infos = await probeShapes(graph, batch, feed)
  const fixed = await foldStatic(graph, infos, batch)
  const lowered = verify(lowerOnce(exactSigns(fixed, infos), infos))
  return lowered === fixed ? { graph: fixed, infos } : lowerAll(lowered, batch, feed)
}
