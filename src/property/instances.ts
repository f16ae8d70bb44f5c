import { dirname, extname, resolve } from 'node:path'
import { parse } from 'csv-parse/sync'
import { readBounded } from './load.js'
import { propertyError } from './problem.js'

/** One line of a benchmark: a network and a property of it. */
export interface Instance {
  readonly id: string
  /** Absolute paths. */
  readonly model: string
  readonly property: string
  /** Null where the list does not say. */
  readonly timeoutMs: number | null
}

/** Names of columns; the competition's own lists have no header, and the columns in this order. */
const plain = ['onnx', 'vnnlib', 'timeout_s']

/**
 * Reads a list of instances: a table with columns `onnx`, `vnnlib`, and optionally `id` and `timeout_s`, or the VNN
 * competition's own form, which has no header. Paths are relative to the list. Other columns are not looked at.
 *
 * @throws GNT_FILE, GNT_PROPERTY with the line
 */
export async function readInstances(path: string): Promise<readonly Instance[]> {
  const rows = parseRows(await readBounded(path), path)
  const [first] = rows
  if (!first) throw propertyError('a list without instances', path, null)
  const hasHeader = first.cells.includes('onnx') && first.cells.includes('vnnlib')
  if (!hasHeader) refuseOtherHeader(first, path)
  const columns = hasHeader ? first.cells : plain
  const instances = rows.slice(hasHeader ? 1 : 0).map((row, i) => instanceOf(row, columns, i, path))
  if (instances.length === 0) throw propertyError('a list without instances', path, null)
  const ids = new Set<string>()
  for (const [i, { id }] of instances.entries()) {
    if (ids.has(id))
      throw propertyError(
        'two instances with the same id',
        path,
        rows.at(i - instances.length)!.line,
        {
          got: id,
        },
      )
    ids.add(id)
  }
  return instances
}

/** A first line that names no files is a header, but not one of ours: not an instance that cannot be read. */
function refuseOtherHeader({ cells, line }: Row, path: string): void {
  if (cells.slice(0, 2).some((cell) => extname(cell) !== '')) return
  throw propertyError('neither a header with onnx and vnnlib, nor an instance', path, line, {
    got: cells.join(','),
    expected: `the columns ${plain.join(', ')}, or files by their names with extensions`,
    fix: 'name the columns in the first line',
  })
}

interface Row {
  readonly cells: readonly string[]
  readonly line: number
}

function parseRows(bytes: Uint8Array, path: string): Row[] {
  try {
    const rows = parse(Buffer.from(bytes), {
      bom: true,
      // Lines that were added by hand end as the editor has it: both kinds in one list.
      record_delimiter: ['\r\n', '\n', '\r'],
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
    }) as unknown as { record: string[]; info: { lines: number } }[]
    return rows.map(({ record, info }) => ({ cells: record, line: info.lines }))
  } catch (cause) {
    throw propertyError('not a table of comma-separated values', path, null, {
      got: cause instanceof Error ? cause.message : String(cause),
      cause,
    })
  }
}

/** Names of witness files are made of it. */
const safeId = /^[A-Za-z0-9_][\w.+-]{0,199}$/

function instanceOf(
  { cells, line }: Row,
  columns: readonly string[],
  index: number,
  path: string,
): Instance {
  const cell = (name: string): string => cells[columns.indexOf(name)] ?? ''
  const [model, property] = [cell('onnx'), cell('vnnlib')]
  if (model === '' || property === '')
    throw propertyError('an instance names a network and a property', path, line, {
      got: cells.join(','),
      expected: plain.join(','),
    })
  const id = columns.includes('id') ? cell('id') : String(index + 1)
  if (!safeId.test(id))
    throw propertyError('an id that no file can be named after', path, line, {
      got: id,
      expected: 'letters, digits, _, -, + and .',
    })
  const timeout = cell('timeout_s')
  const seconds = Number(timeout)
  if (timeout !== '' && !(seconds > 0 && Number.isFinite(seconds)))
    throw propertyError('a time limit is a number of seconds above 0', path, line, { got: timeout })
  const at = (file: string): string => resolve(dirname(path), file)
  return {
    id,
    model: at(model),
    property: at(property),
    timeoutMs: timeout === '' ? null : seconds * 1000,
  }
}
