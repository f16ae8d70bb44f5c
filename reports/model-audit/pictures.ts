import type { TriggerPicture } from '../../src/audit/model/result.js'
import { diverging, encodePng, imageSize } from '../html/png.js'

/** PNG data URIs of one trigger; they are enlarged by whole pixels, so that other programs show them as they are. */
export interface TriggerPngs {
  readonly picture: TriggerPicture
  readonly width: number
  readonly height: number
  /** A patch: its pattern where it covers, grey elsewhere. What is added: red for more, blue for less. */
  readonly trigger: string
  readonly clean: string
  readonly stamped: string
  /** The change that is drawn at full strength; of an additive trigger only. */
  readonly fullScale?: number | undefined
}

/** Pictures are enlarged to about this many pixels a side. */
const shownSide = 224
const grey = 127.5

/** @returns undefined for samples that are no pictures */
export async function triggerPngs(picture: TriggerPicture): Promise<TriggerPngs | undefined> {
  const size = imageSize(picture.shape)
  if (!size) return undefined
  const { range, mask, pattern, clean, stamped } = picture
  const [low, high] = range
  const level = (value: number): number => ((value - low) / (high - low)) * 255
  const factor = Math.max(1, Math.floor(shownSide / Math.max(size.width, size.height)))
  const draw = (colour: (i: number) => readonly number[]) => encodeLarge(size, factor, colour)
  const greatest = pattern.reduce((max, value) => Math.max(max, Math.abs(value)), 0) || 1
  const covered = (i: number): readonly number[] => {
    const share = mask![i % mask!.length] ?? 0
    return [share * level(pattern[i] ?? 0) + (1 - share) * grey]
  }
  const added = (i: number): readonly number[] => {
    const share = (pattern[i] ?? 0) / greatest
    return size.channels === 1 ? diverging(share) : [grey + grey * share]
  }
  return {
    picture,
    width: size.width * factor,
    height: size.height * factor,
    trigger: await draw(mask ? covered : added),
    clean: await draw((i) => [level(clean[i] ?? 0)]),
    stamped: await draw((i) => [level(stamped[i] ?? 0)]),
    fullScale: mask ? undefined : greatest,
  }
}

async function encodeLarge(
  { channels, height, width }: { channels: 1 | 3; height: number; width: number },
  factor: number,
  colour: (i: number) => readonly number[],
): Promise<string> {
  const large = { channels, height: height * factor, width: width * factor }
  return encodePng(large, (i) => {
    const [plane, pixel] = [large.height * large.width, i % (large.height * large.width)]
    const row = Math.floor(Math.floor(pixel / large.width) / factor)
    const column = Math.floor((pixel % large.width) / factor)
    return colour(Math.floor(i / plane) * height * width + row * width + column)
  })
}
