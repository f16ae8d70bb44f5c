import type { PictureView, PoisoningView, Reporter, RunReport } from '../src/reporter.js'

/** Raised when a reader of the file would have to change; new fields may appear without it. */
const schema = 'gauntlet-report/1'

/** The whole report for machines: the fields of `RunReport`, pictures without their pixels, NaN as null. */
export const json: Reporter = {
  id: 'json',
  fileName: 'report.json',
  describe: `everything but pixels, schema ${schema}`,
  render: async (report) => `${JSON.stringify(reportJson(report), null, 2)}\n`,
}

function reportJson(report: RunReport): Record<string, unknown> {
  return {
    schema,
    title: report.title,
    runId: report.runId,
    createdAt: report.createdAt,
    status: report.status,
    suite: report.suite,
    mainThreat: report.mainThreat ?? null,
    dataset: report.dataset,
    verdict: report.gate?.verdict ?? null,
    gate: report.gate ?? null,
    versions: report.versions,
    trust: report.trust ?? null,
    comparisons: report.comparisons,
    cells: report.cells,
    ...(report.poisoning ? { poisoning: withoutExamples(report.poisoning) } : {}),
    ...(report.audits ? { audits: report.audits } : {}),
    pictures: report.pictures.map(withoutPixels),
    problems: report.problems,
    manifest: report.manifest,
  }
}

function withoutExamples({ cells, ...rest }: PoisoningView) {
  return { cells: cells.map(({ examples: _examples, ...cell }) => cell), ...rest }
}

function withoutPixels(picture: PictureView): Omit<PictureView, 'clean' | 'adversarial'> {
  const { clean: _clean, adversarial: _adversarial, ...rest } = picture
  return rest
}
