/** A stroke as a chain of points, (x, y) pairs in [-1, 1], y downwards. */
export type Stroke = readonly number[]

export interface GlyphShape {
  readonly name: string
  readonly strokes: readonly Stroke[]
}

/** Points of an arc or spiral; angles in turns, 0 to the right, clockwise on the screen. */
function arc(
  x: number,
  y: number,
  radii: readonly [number, number],
  turns: readonly [number, number],
) {
  const pieces = Math.max(4, Math.ceil(Math.abs(turns[1] - turns[0]) * 20))
  return Array.from({ length: pieces + 1 }, (_, i) => {
    const t = i / pieces
    const angle = 2 * Math.PI * (turns[0] + t * (turns[1] - turns[0]))
    const radius = radii[0] + t * (radii[1] - radii[0])
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)]
  }).flat()
}

/** The ten classes, in the order of their labels. */
export const glyphShapes: readonly GlyphShape[] = [
  { name: 'ring', strokes: [arc(0, 0, [0.8, 0.8], [0, 1])] },
  {
    name: 'plus',
    strokes: [
      [0, -0.9, 0, 0.9],
      [-0.9, 0, 0.9, 0],
    ],
  },
  { name: 'triangle', strokes: [[0, -0.9, 0.85, 0.7, -0.85, 0.7, 0, -0.9]] },
  { name: 'horseshoe', strokes: [[-0.7, 0.9, ...arc(0, -0.15, [0.7, 0.7], [0.5, 1]), 0.7, 0.9]] },
  { name: 'bolt', strokes: [[0.45, -0.95, -0.5, 0.1, 0.5, -0.1, -0.45, 0.95]] },
  {
    name: 'arrow',
    strokes: [
      [0, 0.95, 0, -0.9],
      [-0.65, -0.2, 0, -0.9, 0.65, -0.2],
    ],
  },
  {
    name: 'fork',
    strokes: [
      [0, 0.95, 0, -0.9],
      [-0.7, -0.9, -0.7, -0.15, 0.7, -0.15, 0.7, -0.9],
    ],
  },
  { name: 'hourglass', strokes: [[-0.7, -0.85, 0.7, -0.85, -0.7, 0.85, 0.7, 0.85, -0.7, -0.85]] },
  { name: 'spiral', strokes: [arc(0, 0, [0.08, 0.92], [0, 1.9])] },
  {
    name: 'key',
    strokes: [
      arc(0, -0.5, [0.42, 0.42], [0, 1]),
      [0, -0.08, 0, 0.95],
      [0, 0.45, 0.45, 0.45],
      [0, 0.9, 0.45, 0.9],
    ],
  },
]
