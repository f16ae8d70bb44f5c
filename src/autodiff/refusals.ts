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
  ...all(['DeformConv', 'MaxRoiPool', 'RoiAlign', 'Col2Im'], 'no rule yet'),
}

/** Why an operator that has a simpler form can be left as it is after all. */
export const unlowered: Readonly<Record<string, string>> = {
  ...all(['LpPool'], 'ceil_mode and dilations have no simpler form'),
  ...all(['CenterCropPad'], 'a shape that is not constant, or an axis that follows the batch'),
  ...all(
    ['DFT'],
    'a length that is not fixed, is too great for a matrix, or does not go with the number of bins',
  ),
  ...all(
    ['STFT'],
    'a length or step that is not fixed, frames too long for a matrix, or a complex signal with a window',
  ),
  ...all(['If'], 'a condition that depends on the data, with branches of unlike shapes'),
  ...all(
    ['Loop', 'Scan'],
    'a loop whose number of steps depends on the data or on the batch, or is too great to unroll',
  ),
  ...all(
    ['RNN', 'LSTM', 'GRU'],
    'a sequence whose length is not fixed; export the model with a fixed length',
  ),
  ...all(
    [
      'SequenceAt',
      'SequenceConstruct',
      'SequenceEmpty',
      'SequenceErase',
      'SequenceInsert',
      'SequenceLength',
      'SplitToSequence',
      'ConcatFromSequence',
      'Optional',
      'OptionalGetElement',
      'OptionalHasElement',
    ],
    'a list of tensors whose length or positions depend on the data; export the model without lists',
  ),
}

/** Written in another operator's form while a model is brought to opset 18. */
export const rewritten: Readonly<Record<string, string>> = {
  Upsample: 'Resize',
  Scatter: 'ScatterElements',
  SequenceMap: 'Loop',
}

function all(operators: readonly string[], reason: string): Record<string, string> {
  return Object.fromEntries(operators.map((op) => [op, reason]))
}
