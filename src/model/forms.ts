import type { Graph } from '../graph/ir.js'
import { addForms, type Forms } from '../graph/lower/forms.js'
import { formOf } from '../graph/lower/quantized.js'
import { foldHalf } from '../graph/passes/fold-half.js'
import type { ValueInfos } from '../graph/shapes.js'
import type { Feed } from '../runtime/session.js'
import { probeShapes } from './probe.js'
import { foldStatic } from './static-values.js'

/**
 * What `lowerAll` does for a network whose forward pass must keep its bits: composite operators stay, and get a simpler
 * form beside them.
 */
export async function formAll(
  simplified: Graph,
  batch: number | null,
  feed: (n: number) => Record<string, Feed>,
  known: Forms = new Map(),
): Promise<{ graph: Graph; infos: ValueInfos; forms: Forms }> {
  const halved = foldHalf(simplified)
  const infos = await probeShapes(halved, batch, feed)
  const graph = await foldStatic(halved, infos, batch)
  const next = addForms(graph, infos, known, formOf)
  return next.graph === graph
    ? { graph, infos, forms: known }
    : formAll(next.graph, batch, feed, next.forms)
}
