/** Sorts a table by a clicked heading and hides rows that lack the typed words. The page is whole without it. */
export const script = `
for (const table of document.querySelectorAll('table[data-sortable]')) {
  const body = table.tBodies[0]
  const original = [...body.rows]
  for (const cell of table.tHead.rows[0].cells) {
    const button = document.createElement('button')
    button.type = 'button'
    button.append(...cell.childNodes)
    cell.append(button)
    button.addEventListener('click', () => {
      const next = { none: 'ascending', ascending: 'descending', descending: 'none' }[cell.ariaSort || 'none']
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort')
      if (next !== 'none') cell.setAttribute('aria-sort', next)
      const value = (row) => row.cells[cell.cellIndex].dataset.sort ?? row.cells[cell.cellIndex].textContent
      const rows = next === 'none' ? original : [...original].sort((a, b) => {
        const [x, y] = [value(a), value(b)]
        const order = x !== '' && y !== '' && !isNaN(x) && !isNaN(y) ? x - y : x.localeCompare(y, undefined, { numeric: true })
        return next === 'ascending' ? order : -order
      })
      body.append(...rows)
    })
  }
}
for (const input of document.querySelectorAll('input[data-filters]')) {
  input.closest('label').hidden = false
  const table = document.getElementById(input.dataset.filters)
  input.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\\s+/)
    for (const row of table.tBodies[0].rows)
      row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word))
  })
}
`
