/** Operators that are not differentiated, and why. Where no other way leads past them, the error says it. */
export const refusals: Readonly<Record<string, string>> = {
  ...all(
    ['NonMaxSuppression'],
    'picks boxes; name an earlier output, the scores or boxes before it, with --output',
  ),
  ...all(['Det'], 'its gradient needs the inverse of a matrix, which ONNX has no operator for'),
  ...all(['Unique'], 'the size of its output depends on values'),
  ...all(
    ['StringConcat', 'StringNormalizer', 'StringSplit', 'RegexFullMatch', 'TfIdfVectorizer'],
    'works on text; name the tensor behind it with --input',
  ),
  ...all(['ImageDecoder'], 'reads files; name the pixels behind it with --input'),
  ...all(
    [
      'SequenceAt',
      'SequenceConstruct',
      'SequenceEmpty',
      'SequenceErase',
      'SequenceInsert',
      'SequenceLength',
      'SequenceMap',
      'SplitToSequence',
      'ConcatFromSequence',
      'Optional',
      'OptionalGetElement',
      'OptionalHasElement',
    ],
    'a list of tensors, not a tensor; export the model without lists',
  ),
  ...all(
    ['If', 'Loop', 'Scan'],
    'control flow that depends on values; export the model with the loop unrolled',
  ),
  ...all(
    ['DeformConv', 'MaxRoiPool', 'RoiAlign', 'GridSample', 'AffineGrid', 'Col2Im', 'CenterCropPad'],
    'no rule yet',
  ),
  ...all(['DFT', 'STFT'], 'no rule yet'),
}

/** Written in another operator's form while a model is brought to opset 18. */
export const rewritten: Readonly<Record<string, string>> = {
  Upsample: 'Resize',
  Scatter: 'ScatterElements',
}

function all(operators: readonly string[], reason: string): Record<string, string> {
  return Object.fromEntries(operators.map((op) => [op, reason]))
}
