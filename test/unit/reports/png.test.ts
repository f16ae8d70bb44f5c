import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { differenceScale, imageSize, picturePngs } from '../../../reports/html/png.js'
import type { PictureView } from '../../../src/reporter.js'
import { samplePictures } from '../../helpers/sample-pictures.js'

const epsilon = 8 / 255

function picture(change: Partial<PictureView>): PictureView {
  const [base] = samplePictures('v1', epsilon, 1)
  if (!base) throw new Error('no sample picture')
  return { ...base, ...change }
}

/** [r, g, b] per pixel. */
async function decode(uri: string | undefined): Promise<number[][]> {
  const bytes = Buffer.from((uri ?? '').replace('data:image/png;base64,', ''), 'base64')
  const raw = await sharp(bytes).raw().toBuffer()
  return Array.from({ length: raw.length / 3 }, (_, i) => [...raw.subarray(i * 3, i * 3 + 3)])
}

const grey = picture({
  shape: [1, 1, 3],
  clean: Float32Array.of(0, 0.5, 1),
  adversarial: Float32Array.of(epsilon, 0.5, 1 - epsilon),
})

describe('pictures', () => {
  it('map the range to 0–255 and clip what lies outside', async () => {
    const pngs = await picturePngs({ ...grey, range: [0, 0.5] })
    expect(await decode(pngs?.clean)).toEqual([
      [0, 0, 0],
      [255, 255, 255],
      [255, 255, 255],
    ])
  })

  it('show ±epsilon at full strength, zero near white, for one channel', async () => {
    const [up, none, down] = await decode((await picturePngs(grey))?.difference)
    expect(up).toEqual([190, 20, 35])
    expect(none).toEqual([247, 247, 247])
    expect(down).toEqual([5, 88, 160])
  })

  it('read three channels as planes; no change is middle grey', async () => {
    const clean = Float32Array.of(1, 0, 0, 1, 0, 0.2)
    const rgb = picture({ shape: [3, 1, 2], clean, adversarial: clean.with(0, 1 - epsilon) })
    const pngs = await picturePngs(rgb)
    expect(await decode(pngs?.clean)).toEqual([
      [255, 0, 0],
      [0, 255, 51],
    ])
    const [changed, same] = await decode(pngs?.difference)
    expect(changed?.[0]).toBe(0)
    expect(same).toEqual([128, 128, 128])
  })

  it('scale by epsilon for L∞ and by the greatest change otherwise', () => {
    expect(differenceScale(grey)).toBe(epsilon)
    expect(differenceScale({ ...grey, norm: 'l2', epsilon: 3 })).toBeCloseTo(epsilon, 6)
    expect(differenceScale({ ...grey, norm: 'l2', adversarial: grey.clean })).toBe(1)
  })

  it.each([
    [[1, 28, 28], { channels: 1, height: 28, width: 28 }],
    [[3, 2, 4], { channels: 3, height: 2, width: 4 }],
    [[5, 6], { channels: 1, height: 5, width: 6 }],
    [[20], undefined],
    [[4, 8, 8], undefined],
    [[1, 1, 8, 8], undefined],
    [[1, 0, 8], undefined],
  ])('take shape %j as %j', (shape, size) => {
    expect(imageSize(shape)).toEqual(size)
  })

  it('are not made from pixels that do not fill the shape', async () => {
    expect(await picturePngs(picture({ clean: new Float32Array(3) }))).toBeUndefined()
  })
})
