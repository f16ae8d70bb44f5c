import { describe, expect, it } from 'vitest'
import { exitCodes } from '../../../src/cli/exit-codes.js'
import { exitCodeFor } from '../../../src/gate/verdict.js'
import { wantsColor } from '../../../src/cli/io.js'
import { epsilon, numberList, range } from '../../../src/cli/options.js'
import { paint, table } from '../../../src/cli/table.js'

describe('table', () => {
  it('aligns columns and leaves no spaces at the ends', () => {
    const text = table(
      [
        ['a', 'bb', 'c'],
        ['long', '', 'x'],
        ['y', 'z', ''],
      ],
      { width: 80 },
    )
    expect(text).toBe('a     bb  c\nlong      x\ny     z')
  })

  it('breaks the last column at spaces, under itself', () => {
    const text = table([['id', 'one two three four five six seven eight']], { width: 28 })
    expect(text).toBe('id  one two three four five\n    six seven eight')
  })

  it('counts characters, not bytes, and lets no escape sequence through', () => {
    expect(
      table(
        [
          ['L∞', 'x'],
          ['L2', '\u001B[31my'],
        ],
        { width: 80 },
      ),
    ).toBe('L∞  x\nL2  [31my')
  })

  it('colours after the widths are settled', () => {
    const text = table(
      [
        ['a', 'b'],
        ['cc', 'd'],
      ],
      {
        width: 80,
        decorate: (cell, row) => (row === 0 ? paint(true, 'dim', cell) : cell),
      },
    )
    expect(text).toBe('\u001B[2ma\u001B[0m   \u001B[2mb\u001B[0m\ncc  d')
  })
})

describe('colour', () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ TERM: 'dumb' }, true, false],
  ])('%o on a terminal: %s', (env, isTty, color) => {
    expect(wantsColor(env, isTty)).toBe(color)
  })
})

describe('values of options', () => {
  it('reads what people type', () => {
    expect(epsilon('eps')('8/255')).toBe(8 / 255)
    expect(range('range')('0..255')).toEqual([0, 255])
    expect(range('range')('-1..1')).toEqual([-1, 1])
    expect(numberList('mean')('0.5,.25, -1e-2')).toEqual([0.5, 0.25, -0.01])
  })

  it.each([
    [() => epsilon('eps')('8/0'), '--eps'],
    [() => epsilon('eps')('-1'), '--eps'],
    [() => range('range')('255..0'), '--range'],
    [() => range('range')('0-255'), '--range'],
    [() => numberList('mean')('0.5,,1'), '--mean'],
    [() => numberList('mean')('a'), '--mean'],
  ])('refuses others and names the option (%#)', (call, option) => {
    expect(call).toThrow(option)
  })
})

describe('exit codes', () => {
  it('are those of the design', () => {
    expect(exitCodes).toMatchObject({
      ok: 0,
      internal: 1,
      usage: 2,
      incomplete: 3,
      interrupted: 130,
    })
    expect(['pass', 'fail', 'inconclusive'].map((v) => exitCodeFor(v as 'pass'))).toEqual([
      0, 10, 11,
    ])
  })
})
