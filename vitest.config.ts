import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Tests load ONNX Runtime themselves; the program sets this for its own processes.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    // .ci/run counts the tests from this file.
    ...(process.env['CI']
      ? { reporters: ['default', ['json', { outputFile: 'dist/test-results.json' }]] }
      : {}),
  },
})
