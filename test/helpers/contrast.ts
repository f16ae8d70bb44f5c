/* oxlint-disable unicorn/consistent-function-scoping -- the function is sent to the page alone */

/**
 * Visible texts whose contrast with what is painted behind them is below 4.5 (WCAG 2.2, 1.4.3).
 * Runs in the page, so it must not refer to anything outside itself.
 */
export function weakTexts(): string[] {
  const parse = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (rgb: readonly number[]): number => {
    const [r = 0, g = 0, b = 0] = rgb.map((level) => {
      const share = level / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const background = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor)
      if ((colour[3] ?? 1) === 1 && colour.length >= 3) return colour.slice(0, 3)
    }
    return [255, 255, 255]
  }
  const weak: string[] = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    const text = node.textContent?.trim()
    if (!element || !text || !element.checkVisibility() || /^(SCRIPT|STYLE)$/.test(element.tagName))
      continue
    const isDrawn = element.closest('svg') !== null
    const style = getComputedStyle(element)
    const [a, b] = [parse(isDrawn ? style.fill : style.color).slice(0, 3), background(element)]
    const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x)
    const ratio = (light + 0.05) / (dark + 0.05)
    if (ratio < 4.5) weak.push(`${text}: ${ratio.toFixed(2)}`)
  }
  return weak
}
