import {
  bools,
  fixed,
  input,
  shaped,
  weight,
  type RuleCase,
} from '../../../../helpers/gradient-check.js'
import { tensorOf } from '../../../../../src/graph/tensor.js'
import { float } from '../../../../helpers/graphs.js'

const int32s = (dims: readonly number[], ...values: number[]): RuleCase['inputs'][number] => ({
  kind: 'tensor',
  tensor: tensorOf('int32', dims, values),
})

const domain = 'com.microsoft'
const opset = 23
const qkv = (width: number): RuleCase['inputs'] => [
  input(['N', 3, width]),
  input(['N', 3, width]),
  input(['N', 3, width]),
]
const heads4d = (heads: number, length: number) => input(['N', heads, length, 4])
const absent = { kind: 'absent' } as const
const lower = bools([3, 3], 1, 0, 0, 1, 1, 0, 1, 1, 1)
const two = { q_num_heads: 2, kv_num_heads: 2 }

const standard: readonly RuleCase[] = [
  { op: 'Attention', label: 'rank 3', opset, inputs: qkv(8), attrs: two },
  {
    op: 'Attention',
    label: 'rank 4, keys of another length',
    opset,
    inputs: [heads4d(2, 3), heads4d(2, 5), heads4d(2, 5)],
  },
  { op: 'Attention', label: 'a bool mask', opset, inputs: [...qkv(8), lower], attrs: two },
  {
    op: 'Attention',
    label: 'a float mask, own scale',
    opset,
    inputs: [...qkv(8), weight([3, 3])],
    attrs: { ...two, scale: float(0.3) },
  },
  { op: 'Attention', label: 'causal', opset, inputs: qkv(8), attrs: { ...two, is_causal: 1 } },
  {
    op: 'Attention',
    label: 'shared keys',
    opset,
    inputs: [heads4d(4, 3), heads4d(2, 3), heads4d(2, 3)],
  },
  {
    op: 'Attention',
    label: 'shared keys, rank 3',
    opset,
    inputs: [input(['N', 3, 16]), input(['N', 3, 8]), input(['N', 3, 8])],
    attrs: { q_num_heads: 4, kv_num_heads: 2 },
  },
  {
    op: 'Attention',
    label: 'a cap',
    opset,
    inputs: qkv(8),
    attrs: { ...two, softcap: float(0.5) },
  },
  {
    op: 'Attention',
    label: 'a past, causal, all outputs',
    opset,
    inputs: [heads4d(2, 3), heads4d(2, 3), heads4d(2, 3), absent, heads4d(2, 2), heads4d(2, 2)],
    attrs: { is_causal: 1 },
    outputs: 3,
  },
  ...[0, 3].map((mode): RuleCase => ({
    op: 'Attention',
    label: `the scores of mode ${mode}`,
    opset,
    inputs: [heads4d(2, 3), heads4d(2, 3), heads4d(2, 3)],
    attrs: { qk_matmul_output_mode: mode },
    outputs: 4,
    reads: [0, 3],
  })),
  ...[0, 1, 2, 3].map((mode): RuleCase => ({
    op: 'Attention',
    label: `a cap and a mask, the scores of mode ${mode}`,
    opset,
    inputs: [heads4d(2, 3), heads4d(2, 3), heads4d(2, 3), weight([3, 3])],
    attrs: { qk_matmul_output_mode: mode, softcap: float(0.7) },
    outputs: 4,
    reads: [0, 3],
  })),
]

const caches = [
  fixed([5, 2], ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => Math.cos(k))),
  fixed([5, 2], ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => Math.sin(k))),
] as const
const places = shaped([4, 3], 0, 1, 2, 2, 3, 4, 1, 0, 1, 4, 4, 0)

const rotary: readonly RuleCase[] = [
  {
    op: 'RotaryEmbedding',
    label: 'rank 4',
    opset,
    inputs: [input([4, 2, 3, 4]), ...caches, places],
  },
  {
    op: 'RotaryEmbedding',
    label: 'rank 3',
    opset,
    inputs: [input([4, 3, 8]), ...caches, places],
    attrs: { num_heads: 2 },
  },
  {
    op: 'RotaryEmbedding',
    label: 'interleaved',
    opset,
    inputs: [input([4, 2, 3, 4]), ...caches, places],
    attrs: { interleaved: 1 },
  },
  {
    op: 'RotaryEmbedding',
    label: 'a part of each head',
    opset,
    inputs: [input([4, 2, 3, 6]), ...caches, places],
    attrs: { rotary_embedding_dim: 4 },
  },
  {
    op: 'RotaryEmbedding',
    label: 'angles per sample',
    opset,
    inputs: [input(['N', 2, 3, 4]), input(['N', 3, 2]), input(['N', 3, 2])],
  },
  {
    op: 'RotaryEmbedding',
    domain,
    label: 'positions second',
    inputs: [input([4, 3, 8]), places, ...caches],
    attrs: { num_heads: 2 },
  },
]

const microsoft: readonly RuleCase[] = [
  {
    op: 'Attention',
    domain,
    label: 'plain',
    inputs: [input(['N', 3, 6]), weight([6, 24]), weight([24])],
    attrs: { num_heads: 2 },
  },
  {
    op: 'Attention',
    domain,
    label: 'causal, own scale',
    inputs: [input(['N', 3, 6]), weight([6, 24]), weight([24])],
    attrs: { num_heads: 2, unidirectional: 1, scale: float(0.3) },
  },
  {
    op: 'Attention',
    domain,
    label: 'values of another width, a bias of the scores',
    inputs: [
      input(['N', 3, 6]),
      weight([6, 24]),
      weight([24]),
      absent,
      absent,
      input(['N', 2, 3, 3]),
    ],
    attrs: { num_heads: 2, qkv_hidden_sizes: [8, 8, 8] },
  },
  { op: 'MultiHeadAttention', domain, label: 'plain', inputs: qkv(8), attrs: { num_heads: 2 } },
  {
    op: 'MultiHeadAttention',
    domain,
    label: 'a bias',
    inputs: [...qkv(8), weight([24])],
    attrs: { num_heads: 2 },
  },
  {
    op: 'MultiHeadAttention',
    domain,
    label: 'a past',
    inputs: [...qkv(8), absent, absent, absent, heads4d(2, 2), heads4d(2, 2)],
    attrs: { num_heads: 2 },
    outputs: 3,
  },
  {
    op: 'MultiHeadAttention',
    domain,
    label: 'causal',
    inputs: qkv(8),
    attrs: { num_heads: 2, unidirectional: 1 },
  },
  {
    op: 'MultiHeadAttention',
    domain,
    label: 'a mask of keys',
    inputs: [
      ...qkv(8).map((one) => ({ ...one, dims: [2, 3, 8] }) as typeof one),
      absent,
      int32s([2, 3], 1, 1, 0, 1, 0, 1),
    ],
    attrs: { num_heads: 2 },
  },
  {
    op: 'Attention',
    domain,
    label: 'a mask of keys',
    inputs: [input([2, 3, 6]), weight([6, 24]), weight([24]), int32s([2, 3], 1, 1, 0, 1, 0, 1)],
    attrs: { num_heads: 2 },
  },
  {
    op: 'MultiHeadAttention',
    domain,
    label: 'heads apart, a bias of the scores',
    inputs: [
      input(['N', 3, 8]),
      heads4d(2, 5),
      heads4d(2, 5),
      absent,
      absent,
      input(['N', 2, 3, 5]),
    ],
    attrs: { num_heads: 2 },
  },
]

/** ONNX Runtime keeps the scale of doubles in single precision. */
export const attentionCases: readonly RuleCase[] = [...standard, ...rotary, ...microsoft].map(
  (one) => ({ tolerance: 2e-5, ...one }),
)
