import { tensorOf } from '../../../../../src/graph/tensor.js'
import { fixed, input, shaped, type RuleCase } from '../../../../helpers/gradient-check.js'
import { float } from '../../../../helpers/graphs.js'

const absent = { kind: 'absent' } as const
const length = 4
const int32s = (dims: readonly number[], ...values: number[]): RuleCase['inputs'][number] => ({
  kind: 'tensor',
  tensor: tensorOf('int32', dims, values),
})
/** Two sequences of four tokens. */
const lengths = [int32s([2], length - 1, length - 1), int32s([1], length)] as const
const rows = (width: number) => input([2, length, width])
const caches = [Math.cos, Math.sin].map((f) =>
  fixed([5, 8], ...Array.from({ length: 40 }, (_, k) => f(k))),
)

const grouped = (
  label: string,
  attrs: RuleCase['attrs'],
  inputs: RuleCase['inputs'] = [rows(64), rows(32), rows(32), absent, absent, ...lengths],
): RuleCase => ({
  op: 'GroupQueryAttention',
  domain: 'com.microsoft',
  label,
  inputs,
  attrs: { num_heads: 4, kv_num_heads: 2, ...attrs },
  outputs: 3,
  tolerance: 2e-5,
})
const plain = [rows(64), rows(32), rows(32), absent, absent, ...lengths]

export const groupedAttentionCases: readonly RuleCase[] = [
  grouped('shared keys', {}),
  grouped('own scale, a cap', { scale: float(0.1), softcap: float(2) }),
  grouped('a window', { local_window_size: 2 }),
  grouped('packed', {}, [rows(128), absent, absent, absent, absent, ...lengths]),
  grouped('rotary', { do_rotary: 1 }, [...plain, ...caches]),
  grouped('rotary, interleaved', { do_rotary: 1, rotary_interleaved: 1 }, [...plain, ...caches]),
  grouped('packed, rotary', { do_rotary: 1 }, [
    rows(128),
    absent,
    absent,
    absent,
    absent,
    ...lengths,
    ...caches,
  ]),
  grouped('rotary, positions', { do_rotary: 1 }, [
    ...plain,
    ...caches,
    shaped([2, length], 1, 2, 3, 4, 1, 2, 3, 4),
  ]),
  grouped('a bias of the scores', {}, [...plain, absent, absent, absent, input([2, 4, 4, 4])]),
]
