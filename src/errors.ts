/** Every failure a person can cause has one of these codes; `exit` is what the process ends with. */
export const errorCodes = {
  GNT_USAGE: { exit: 2, title: 'wrong command line' },
  GNT_CONFIG: { exit: 2, title: 'wrong configuration' },
  GNT_FILE: { exit: 2, title: 'file missing, unreadable or unwritable' },
  GNT_DATA_FORMAT: { exit: 2, title: 'data file is not what its format says' },
  GNT_DATA_VALUES: {
    exit: 2,
    title: 'data outside the declared range, NaN, or labels outside the classes',
  },
  GNT_DATA_SHAPE: { exit: 2, title: 'data does not fit the model' },
  GNT_PROPERTY: { exit: 2, title: 'not a readable VNN-LIB property, or list of them' },
  GNT_MODEL_FORMAT: { exit: 2, title: 'not a readable ONNX model' },
  GNT_MODEL_UNSUPPORTED: { exit: 2, title: 'the model has a form that cannot be attacked' },
  GNT_MODEL_RUN: { exit: 2, title: 'ONNX Runtime refused the model' },
  GNT_GRAD_NO_RULE: { exit: 2, title: 'no gradient rule for an operator' },
  GNT_GRAD_CUT: { exit: 2, title: 'no differentiable path from the loss to the input' },
  GNT_GRAPH_DYNAMIC_SHAPE: { exit: 2, title: 'a shape that must be known is not' },
  GNT_GRAPH_INVALID: { exit: 1, title: 'a compiler pass produced an invalid graph' },
  GNT_ATTACK_UNKNOWN: { exit: 2, title: 'no attack of that name' },
  GNT_ATTACK_PARAMS: { exit: 2, title: 'wrong attack parameters' },
  GNT_DETECTOR: { exit: 2, title: 'no detector of that name, or wrong parameters of one' },
  GNT_SUITE_UNKNOWN: { exit: 2, title: 'no suite of that name' },
  GNT_ATTACK_NEEDS: { exit: 2, title: 'the attack cannot run in this setting' },
  GNT_ATTACK_FAILED: { exit: 2, title: 'an attack plugin threw an error' },
  GNT_POISON_INVALID: { exit: 2, title: 'a poison returned what it may not' },
  GNT_TRAIN_DIVERGED: { exit: 2, title: 'a training whose loss grew beyond all numbers' },
  GNT_STORE: { exit: 2, title: 'the result store cannot be opened or written' },
  GNT_STORE_NOT_FOUND: { exit: 2, title: 'no such run or baseline in the store' },
  GNT_COMPARE: { exit: 2, title: 'two versions that cannot be compared' },
  GNT_TRAINING: { exit: 3, title: 'a training command failed' },
  GNT_WORKER: { exit: 3, title: 'a worker was lost' },
  GNT_INTERRUPTED: { exit: 130, title: 'interrupted; run the same command again to resume' },
} as const satisfies Record<string, { exit: number; title: string }>

export type ErrorCode = keyof typeof errorCodes

/** What went wrong, in the parts a reader needs. Each part is one phrase without a line break. */
export interface ErrorDetail {
  /** What is wrong, e.g. `labels outside the classes`. */
  readonly what: string
  /** Where: a file, a configuration path, a node. */
  readonly where?: string | undefined
  readonly got?: string | undefined
  readonly expected?: string | undefined
  /** What to do next, as an imperative: `pass --range 0..255`. */
  readonly fix?: string | undefined
}

/**
 * An error a person can act on. Its message is one line: what (where): got …, expected …; what to do.
 * Anything else that is thrown is a bug and is shown with its stack.
 */
export class GauntletError extends Error {
  override readonly name = 'GauntletError'
  readonly code: ErrorCode
  readonly detail: ErrorDetail

  constructor(code: ErrorCode, detail: ErrorDetail, options?: { cause?: unknown }) {
    super(oneLine(detail), options)
    this.code = code
    this.detail = detail
  }

  get exitCode(): number {
    return errorCodes[this.code].exit
  }
}

function oneLine({ what, where, got, expected, fix }: ErrorDetail): string {
  const facts = [got && `got ${got}`, expected && `expected ${expected}`].filter(Boolean).join(', ')
  const text = `${what}${where ? ` (${where})` : ''}${facts ? `: ${facts}` : ''}${fix ? `; ${fix}` : ''}`
  return text.replace(/\s*\n\s*/g, ' ')
}
