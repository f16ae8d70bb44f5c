import { beforeAll, describe, expect, it } from 'vitest'
import type { Graph } from '../../../src/graph/ir.js'
import { GauntletError } from '../../../src/errors.js'
import { openModel } from '../../helpers/networks.js'
import { binarized, shattered } from '../../helpers/broken-models.js'
import { bound, demoGraph, errorsOf, examined, glyphs, linf } from '../../helpers/examination.js'

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
    const found = await examined(binarized(plain), glyphs(32))
    expect(errorsOf(found)).toEqual(expect.arrayContaining(['P7', 'E5', 'E23']))
    expect(found.every(({ version }) => version === 'v')).toBe(true)
  })
  it('finds errors in one that shatters it', async () => {
    expect(errorsOf(await examined(shattered(plain), glyphs(32)))).toEqual(
      expect.arrayContaining(['E23']),
    )
  })
  it('says the same again, in other batches too', async () => {
    const few = { ...glyphs(24), threats: [linf(0.2)] }
    expect(await examined(defended, { ...few, batch: 7 })).toEqual(await examined(defended, few))
  })
  it('needs neither samples nor threats', async () => {
    const none = { x: new Float32Array(), labels: new Int32Array(), samples: [] }
    expect(await examined(plain, none)).toEqual([])
    expect(errorsOf(await examined(plain, { threats: [] }))).toEqual([])
  })
  it('says what it could not measure', async () => {
    const model = await openModel(plain)
    const poor = new Proxy(model, {
      get: (target, name) =>
        name === 'variant'
          ? () => Promise.reject(new GauntletError('GNT_MODEL_RUN', { what: 'no room' }))
          : bound(target, name),
    })
    const notes = (await examined(poor, glyphs(16))).filter(({ severity }) => severity === 'note')
    expect(notes).toContainEqual({
      signal: 'E23',
      severity: 'note',
      version: 'v',
      where: '',
      text: 'not measured: no room',
    })
  })
  it('ends when it is cancelled', async () => {
    await expect(examined(plain, { isCancelled: () => true })).rejects.toMatchObject({
      code: 'GNT_INTERRUPTED',
    })
  })
})
