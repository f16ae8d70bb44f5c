import { beforeAll, describe, expect, it } from 'vitest'
import type { Graph } from '../../../src/graph/ir.js'
import { binarized, shattered } from '../../helpers/broken-models.js'
import { demoGraph, errorsOf, examined, glyphs, linf } from '../../helpers/examination.js'

let plain: Graph
let defended: Graph
beforeAll(async () => {
  plain = await demoGraph('v2')
  defended = await demoGraph('v1')
})

// Carlini et al. 2019: what is broken on purpose must be found out, or the harness is broken (signal E24).
describe('an examination', () => {
  it('finds no error in an undefended network', async () => {
    expect(errorsOf(await examined(plain))).toEqual([])
  })
  it('finds no error in one trained on adversarial examples', async () => {
    expect(errorsOf(await examined(defended))).toEqual([])
  })
  it('finds errors in one that hides its gradient', async () => {
    const found = await examined(binarized(plain))
    expect(errorsOf(found)).toEqual(expect.arrayContaining(['P7', 'E5', 'E23']))
    expect(found.every(({ version }) => version === 'v')).toBe(true)
  })
  it('finds errors in one that shatters it', async () => {
    expect(errorsOf(await examined(shattered(plain)))).toEqual(expect.arrayContaining(['E23']))
  })
  it('says the same again, in other batches too', async () => {
    const few = { ...glyphs(32), threats: [linf(0.2)] }
    expect(await examined(defended, { ...few, batch: 7 })).toEqual(await examined(defended, few))
  })
  it('needs neither samples nor threats', async () => {
    const none = { x: new Float32Array(), labels: new Int32Array(), samples: [] }
    expect(await examined(plain, none)).toEqual([])
    expect(errorsOf(await examined(plain, { threats: [] }))).toEqual([])
  })
  it('ends when it is cancelled', async () => {
    await expect(examined(plain, { isCancelled: () => true })).rejects.toMatchObject({
      code: 'GNT_INTERRUPTED',
    })
  })
})
