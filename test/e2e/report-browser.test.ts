import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { junit } from '../../reports/junit.js'
import { writeReports } from '../../reports/write.js'
import type { RunReport } from '../../src/reporter.js'
import { weakTexts } from '../helpers/contrast.js'
import { poisonedReport } from '../helpers/sample-poisoning.js'
import * as samples from '../helpers/sample-report.js'

const executable = findChromium()
if (!executable)
  console.warn('report in a browser: skipped, no Chromium found (set CHROMIUM to its path)')

const desktop = { width: 1400, height: 900 }
const phone = { width: 390, height: 844 }
const hostile = samples.hostileReport('<script>alert(1)</script>"><img src=x onerror=alert(1)>')
const reports: Readonly<Record<string, RunReport>> = {
  fail: samples.failingReport(),
  pass: samples.passingReport(),
  inconclusive: samples.inconclusiveReport(),
  ungated: samples.ungatedReport(),
  three: samples.threeVersionsReport(),
  single: samples.singleVersionReport(),
  tabular: samples.tabularReport(),
  poisoned: poisonedReport(),
  empty: samples.emptyReport(),
  hostile,
}
const names = Object.keys(reports)

describe.skipIf(!executable)('the HTML report in a browser', () => {
  let browser: Browser
  let folder: string
  const urls = new Map<string, string>()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gauntlet-browser-'))
    for (const name of names) {
      const [written] = await writeReports(
        reports[name] ?? samples.emptyReport(),
        join(folder, name),
        ['html'],
      )
      if (written) urls.set(name, pathToFileURL(written.path).href)
    }
    browser = await chromium.launch({ ...(executable ? { executablePath: executable } : {}), args })
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Opens a report and gives `look` the page and all that the browser complained of or asked for. */
  async function visit<T>(
    name: string,
    viewport: { width: number; height: number },
    look: (page: Page, complaints: readonly string[], requests: readonly string[]) => Promise<T>,
    colorScheme: 'light' | 'dark' = 'light',
  ): Promise<T> {
    const page = await browser.newPage({ viewport, colorScheme })
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => requests.push(request.url()))
    try {
      await page.goto(urls.get(name) ?? 'about:blank', { waitUntil: 'load' })
      return await look(page, complaints, requests)
    } finally {
      await page.close()
    }
  }

  it.each(names)('%s: no complaint, no request to anywhere, no sideways overflow', async (name) => {
    for (const viewport of [desktop, phone]) {
      await visit(name, viewport, async (page, complaints, requests) => {
        for (const summary of await page.locator('summary').all())
          if (await summary.isVisible()) await summary.click()
        const width = await page.evaluate(() => document.documentElement.scrollWidth)
        expect(width).toBeLessThanOrEqual(viewport.width)
        expect(complaints).toEqual([])
        expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([urls.get(name)])
      })
    }
  })

  it.each([
    ['fail', 'FAIL'],
    ['pass', 'PASS'],
    ['inconclusive', 'INCONCLUSIVE'],
    ['ungated', 'NO GATE'],
  ])(
    '%s: the verdict, the reasons and the versions stand on the first screen',
    async (name, badge) => {
      await visit(name, desktop, async (page) => {
        expect(await page.locator('.badge').innerText()).toContain(badge)
        for (const selector of [
          '.badge',
          '#verdict',
          '.versions tbody tr:last-child',
          '.chart .wide svg',
        ])
          expect(await isOnScreen(page, selector), selector).toBe(true)
      })
      await visit(name, phone, async (page) => {
        for (const selector of ['.badge', '#verdict', '.verdict .change'])
          expect(await isOnScreen(page, selector), selector).toBe(true)
      })
    },
  )

  it.each([
    ['desktop', desktop],
    ['phone', phone],
  ])('draws every picture, enlarged, and one chart: %s', async (_, viewport) => {
    await visit('fail', viewport, async (page) => {
      const sizes = await page.locator('.tile img').evaluateAll((images) =>
        images.map((image) => {
          const { naturalWidth, width, height } = image as HTMLImageElement
          return { naturalWidth, isEnlarged: width > 60 && height > 60 }
        }),
      )
      expect(sizes).toHaveLength(27)
      for (const size of sizes) expect(size).toEqual({ naturalWidth: 28, isEnlarged: true })
      const charts = await page.locator('.chart svg').all()
      const shown = await Promise.all(charts.map((chart) => chart.isVisible()))
      expect(shown.filter(Boolean)).toHaveLength(1)
    })
  })

  it('shows poisoned samples beside what they were, and all of the poisons in a window of 1280', async () => {
    await visit('poisoned', { width: 1280, height: 900 }, async (page) => {
      const widths = await page
        .locator('.strip img')
        .evaluateAll((images) => images.map((image) => (image as HTMLImageElement).naturalWidth))
      expect(widths).toEqual(Array.from({ length: 8 * 8 }, () => 8))
      const hidden = await page
        .locator('.scroll:has(#poisons)')
        .evaluate((frame) => frame.scrollWidth - frame.clientWidth)
      expect(hidden).toBe(0)
    })
  })

  it('sorts by a heading, back to the first order, and filters by words', async () => {
    await visit('fail', desktop, async (page) => {
      const first = () => page.locator('#attacks tbody tr:visible').first().innerText()
      const before = await first()
      const heading = page.locator('#attacks thead button', { hasText: 'Robust accuracy' })
      await heading.click()
      expect(await page.locator('#attacks th[aria-sort=ascending]').count()).toBe(1)
      expect(await first()).toMatch(/^v2\s+PGD-40\s+L∞ 8\/255/)
      await heading.click()
      expect(await first()).not.toMatch(/PGD-40/)
      await heading.click()
      expect(await first()).toBe(before)
      await page.locator('input[data-filters=attacks]').fill('PGD v1')
      expect(await page.locator('#attacks tbody tr:visible').count()).toBe(3)
    })
  })

  it.each(['light', 'dark'] as const)('%s: text keeps a contrast of 4.5 to 1', async (scheme) => {
    for (const name of ['fail', 'pass', 'inconclusive']) {
      const weak = await visit(name, desktop, (page) => page.evaluate(weakTexts), scheme)
      expect(weak, name).toEqual([])
    }
  })

  it('shows the keyboard where it is', async () => {
    await visit('fail', desktop, async (page) => {
      await page.keyboard.press('Tab')
      const focused = await page.evaluate(() => {
        const element = document.activeElement
        return { tag: element?.tagName, outline: element && getComputedStyle(element).outlineStyle }
      })
      expect(focused).toEqual({ tag: 'SUMMARY', outline: 'solid' })
    })
  })

  it('reads the JUnit file of hostile names as XML without an error', async () => {
    const text = await junit.render(
      samples.hostileReport('a<b>&"\'\n\t]]>\u0000\u0008\uFFFF\uD800 é 😀'),
    )
    const read = await visit('fail', desktop, (page) =>
      page.evaluate((xml) => {
        const parsed = new DOMParser().parseFromString(xml, 'application/xml')
        return {
          errors: parsed.querySelectorAll('parsererror').length,
          message: parsed.querySelector('failure')?.getAttribute('message'),
        }
      }, text),
    )
    expect(read).toEqual({ errors: 0, message: 'a<b>&"\'\n\t]]>\uFFFD\uFFFD\uFFFD\uFFFD é 😀' })
  })
})

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

function findChromium(): string | undefined {
  const known = [process.env['CHROMIUM'], '/usr/bin/chromium'].find(
    (path) => path && existsSync(path),
  )
  if (known) return known
  try {
    return execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}

/** The whole element lies within the first viewport. */
async function isOnScreen(page: Page, selector: string): Promise<boolean> {
  const box = await page.locator(selector).first().boundingBox()
  const viewport = page.viewportSize()
  if (!box || !viewport || box.height === 0) return false
  return box.y >= 0 && box.y + box.height <= viewport.height && box.x + box.width <= viewport.width
}
