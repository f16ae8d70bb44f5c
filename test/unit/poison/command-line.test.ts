import { describe, expect, it } from 'vitest'
import {
  checkCommand,
  checkProgram,
  fillCommand,
  splitCommand,
} from '../../../src/poison/command-line.js'

const places = {
  data: "/tmp/it's here/data.npz",
  out: '/tmp/out.onnx',
  model: '/tmp/out.onnx',
  base: '/p/v1.onnx',
  seed: '7',
  folder: '/tmp',
}

describe('splitCommand', () => {
  it.each<[string, string[]]>([
    ['python train.py --data {data}', ['python', 'train.py', '--data', '{data}']],
    [' a  b\t c ', ['a', 'b', 'c']],
    ['a "b c" \'d e\'', ['a', 'b c', 'd e']],
    ['a --x="b c"d', ['a', '--x=b cd']],
    ['a "" \'\'', ['a', '', '']],
    [String.raw`a "b \" c" \"d e\ f`, ['a', 'b " c', '"d', 'e f']],
    [String.raw`C:\tools\train.exe 'a\b'`, [String.raw`C:\tools\train.exe`, String.raw`a\b`]],
    ['a; rm -rf $HOME `b` | c > d', ['a;', 'rm', '-rf', '$HOME', '`b`', '|', 'c', '>', 'd']],
  ])('%s', (line, parts) => {
    expect(splitCommand(line)).toEqual(parts)
  })

  it.each(['', '  ', 'a "b', "a 'b"])('refuses %j', (line) => {
    expect(() => splitCommand(line)).toThrow(/training command/)
  })
})

describe('fillCommand', () => {
  it('keeps a path one argument', () => {
    expect(fillCommand(['a', '--x={data}', '{seed}{seed}', '{other}'], places)).toEqual([
      'a',
      "--x=/tmp/it's here/data.npz",
      '77',
      '{other}',
    ])
  })

  it.skipIf(process.platform === 'win32')('quotes it for a shell', () => {
    expect(fillCommand('a {data} > {folder}/x', places)).toBe(
      String.raw`a '/tmp/it'\''s here/data.npz' > '/tmp'/x`,
    )
  })
})

describe('checkCommand', () => {
  it('wants to know where data and model are told', () => {
    expect(() => checkCommand(['a', '{data}', '{model}'])).not.toThrow()
    expect(() => checkCommand('cd {folder} && a')).not.toThrow()
    expect(() => checkCommand(['a', '{out}'])).toThrow('does not say {data}')
    expect(() => checkCommand(['a', '{data}'])).toThrow('does not say {out}')
  })
})

describe('checkProgram', () => {
  it('finds programs on the path and by their path', () => {
    expect(() => checkProgram(process.execPath, '/')).not.toThrow()
    expect(() => checkProgram('no-such-program-x', '/')).toThrow(
      /program .* is not there: got no-such-program-x, expected a program on the PATH/,
    )
    expect(() => checkProgram('./no-such', '/')).toThrow(/relative to \//)
  })
})
