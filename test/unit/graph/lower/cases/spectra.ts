import {
  absent,
  fixed,
  input,
  shaped,
  type Operand,
  type RuleCase,
} from '../../../../helpers/gradient-check.js'

/** ONNX Runtime's own transforms know π to nine digits, in double precision too. */
const tolerance = 2e-6

type Attrs = Readonly<Record<string, number>>

const one = (value: number): Operand => shaped([], value)

const dft = (
  label: string,
  opset: number,
  inputs: readonly Operand[],
  attrs: Attrs = {},
): RuleCase => ({ op: 'DFT', label: `${label}, opset ${opset}`, opset, inputs, attrs, tolerance })

const stft = (label: string, inputs: readonly Operand[], attrs: Attrs = {}): RuleCase => ({
  op: 'STFT',
  label,
  inputs,
  attrs,
  tolerance,
})

const real = input(['N', 6, 1])
const complex = input(['N', 6, 2])
const signal = input(['N', 17, 1])
const window = [0.1, 0.6, 1, 0.7, 0.3]

/** Both forms say the same but for where the axis stands. */
const bothForms = [17, 20].flatMap((opset): RuleCase[] => [
  dft('real', opset, [real]),
  dft('complex', opset, [complex]),
  dft('a power of 2', opset, [input(['N', 8, 2])]),
  dft('inverse of real', opset, [real], { inverse: 1 }),
  dft('inverse of complex', opset, [complex], { inverse: 1 }),
  dft('one-sided, even', opset, [real], { onesided: 1 }),
  dft('one-sided, odd', opset, [input(['N', 5, 1])], { onesided: 1 }),
  dft('one-sided inverse', opset, [input(['N', 4, 2])], { inverse: 1, onesided: 1 }),
  dft('one-sided inverse, odd', opset, [input(['N', 4, 2]), one(7)], { inverse: 1, onesided: 1 }),
  dft('padded', opset, [real, one(9)]),
  dft('padded inverse', opset, [complex, one(7)], { inverse: 1 }),
  dft('cut', opset, [complex, one(4)]),
  dft('padded, one-sided', opset, [real, one(8)], { onesided: 1 }),
  dft('cut, one-sided', opset, [real, one(5)], { onesided: 1 }),
  // 1 in opset 17, the last but one in opset 20.
  dft('the default axis of four', opset, [input(['N', 3, 5, 1])]),
])

export const spectrumCases: readonly RuleCase[] = [
  ...bothForms,
  dft('axis 2', 17, [input(['N', 3, 4, 2])], { axis: 2 }),
  dft('a negative axis', 17, [input(['N', 3, 4, 2, 1])], { axis: -4, onesided: 1 }),
  dft('axis 0', 17, [input([5, 3, 1])], { axis: 0 }),
  dft('axis 1', 20, [input(['N', 3, 4, 2]), absent, one(1)]),
  dft('a negative axis, padded', 20, [input(['N', 3, 4, 1]), one(5), one(-3)], { onesided: 1 }),
  stft('no window', [signal, one(3), absent, one(5)]),
  stft('a power of 2', [signal, one(4), absent, one(8)]),
  stft('both sides', [signal, one(3), absent, one(5)], { onesided: 0 }),
  stft('a window', [signal, one(4), fixed([5], ...window)]),
  stft('a window and a length', [signal, one(2), fixed([5], ...window), one(5)]),
  stft('a window that is differentiated', [signal, one(4), input([5])]),
  stft('samples in between', [signal, one(7), absent, one(4)]),
  stft('complex', [input(['N', 12, 2]), one(3), absent, one(5)], { onesided: 0 }),
  stft('no axis of parts', [input(['N', 12]), one(3), absent, one(5)]),
]
