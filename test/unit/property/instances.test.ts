import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { readInstances } from '../../../src/property/instances.js'
import { loadProperty } from '../../../src/property/load.js'

const folder = mkdtempSync(join(tmpdir(), 'gauntlet-instances-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe('lists of instances', () => {
  it('with a header: columns in any order, others are not looked at', async () => {
    const path = file('a.csv', 'vnnlib,id,expected,onnx\np/1.vnnlib,one,sat,n/1.onnx\n')
    expect(await readInstances(path)).toEqual([
      {
        id: 'one',
        model: join(folder, 'n/1.onnx'),
        property: join(folder, 'p/1.vnnlib'),
        timeoutMs: null,
      },
    ])
  })

  it('lines that end in different ways, as an editor leaves them', async () => {
    const lines = ['n.onnx,1.vnnlib,1', 'n.onnx,2.vnnlib,2', 'n.onnx,3.vnnlib,3']
    for (const ends of [
      ['\r\n', '\n', ''],
      ['\n', '\r\n', '\n'],
      ['\r\n', '\r\n', '\n'],
    ]) {
      const path = file('mixed.csv', lines.map((line, i) => line + ends[i]!).join(''))
      const found = await readInstances(path)
      expect(found.map(({ timeoutMs }) => timeoutMs)).toEqual([1000, 2000, 3000])
    }
  })

  it("the competition's own: no header, numbered", async () => {
    const path = file('b.csv', './n.onnx,./1.vnnlib,116\r\n./n.onnx,./2.vnnlib, 0.5\r\n\r\n')
    const instances = await readInstances(path)
    expect(instances.map(({ id, timeoutMs }) => [id, timeoutMs])).toEqual([
      ['1', 116_000],
      ['2', 500],
    ])
    expect(instances[1]!.property).toBe(join(folder, '2.vnnlib'))
  })

  const header = 'id,onnx,vnnlib,timeout_s\n'
  const bad: Readonly<Record<string, readonly [string, RegExp]>> = {
    empty: ['', /without instances/],
    'a header of other names': [
      'foo,bar\nn.onnx,p.vnnlib\n',
      /neither a header.*bad\.csv:1.*foo,bar/,
    ],
    'half of a header': ['onnx,property\nn.onnx,p.vnnlib\n', /neither a header.*onnx,property/],
    'a header alone': [header, /without instances/],
    'a missing property': [`${header}a,n.onnx,,1\n`, /bad\.csv:2\): got a,n\.onnx,,1/],
    'a time limit of words': [`${header}a,n.onnx,p.vnnlib,soon\n`, /number of seconds.*:2\)/],
    'a time limit of 0': [`${header}a,n.onnx,p.vnnlib,0\n`, /number of seconds/],
    'the same id twice': [`${header}a,n,p,1\na,n,q,1\n`, /same id \(.*:3\): got a/],
    'an id that is a path': [`${header}../a,n,p,1\n`, /no file can be named after/],
    'an open quote': [`${header}"a,n,p,1\n`, /not a table/],
  }
  for (const [name, [text, says]] of Object.entries(bad))
    it(`refused: ${name}`, async () => {
      await expect(readInstances(file('bad.csv', text))).rejects.toThrow(says)
    })
})

describe('property files', () => {
  const text =
    '(declare-const X_0 Real)(declare-const Y_0 Real)(assert (and (<= 0 X_0 1) (<= Y_0 0)))'

  it('plain and gzip', async () => {
    const plain = await loadProperty(file('p.vnnlib', text))
    expect(await loadProperty(file('p.vnnlib.gz', gzipSync(text)))).toEqual(plain)
    expect(plain).toMatchObject({ inputs: 1, outputs: 1 })
  })

  it('a bomb is not unpacked', async () => {
    const bomb = file('bomb.gz', gzipSync(Buffer.alloc(2 ** 28 + 1)))
    await expect(loadProperty(bomb)).rejects.toThrow(
      /bomb\.gz.*larger than 256 MiB|256 MiB.*bomb\.gz/,
    )
  })

  const bad: Readonly<Record<string, readonly [Uint8Array | null, RegExp]>> = {
    'half of a gzip file': [gzipSync(text).subarray(0, 40), /gzip data is damaged/],
    bytes: [Uint8Array.of(0x08, 0xff, 0xfe), /not a text file/],
    missing: [null, /cannot be read.*no such file/],
  }
  for (const [name, [content, says]] of Object.entries(bad))
    it(`refused: ${name}`, async () => {
      const path = content ? file('bad', content) : join(folder, 'none')
      await expect(loadProperty(path)).rejects.toThrow(says)
    })

  it('refused: a folder', async () => {
    await expect(loadProperty(folder)).rejects.toThrow(/a folder/)
  })
})
