/**
 * The page's style sheet. The first series colours are Okabe and Ito's (2008, "Color universal design"). All
 * keep 4.5:1 against the card of their theme, since the chart's labels are set in them, and keep apart from each other.
 */
export const style = `
:root{--bg:#f3f5f8;--card:#fff;--ink:#141a22;--muted:#566170;--line:#dde2e9;--soft:#f3f5f8;--focus:#0b62c4;
--fail:#b0201a;--fail-soft:#fdeceb;--pass:#13693f;--pass-soft:#e5f5ec;--open:#855300;--open-soft:#fff3da;--none:#44506080;--none-soft:#e9edf2;
--series-1:#0072b2;--series-2:#b84a00;--series-3:#007a58;--series-4:#a3477d;--series-5:#5a3ec8;--series-6:#8a6100;--series-7:#8c1010;--series-8:#4a5462;--series-9:#5a7300;--series-10:#d0187e}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--card:#161b23;--ink:#e7ebf1;--muted:#9ba7b6;--line:#2b3340;--soft:#1d242e;--focus:#6cb2ff;
--fail:#ff938a;--fail-soft:#3a1614;--pass:#6fd8a0;--pass-soft:#10301f;--open:#f0bd5c;--open-soft:#382a0d;--none:#9ba7b6;--none-soft:#232b36;
--series-1:#5bb4ea;--series-2:#ff8f4d;--series-3:#3fc79a;--series-4:#e8a9d0;--series-5:#a68cff;--series-6:#e8b93f;--series-7:#ff6b6b;--series-8:#c3ccd8;--series-9:#b9d63c;--series-10:#ff63b8}
.tile img{background:#fff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 "Segoe UI",system-ui,-apple-system,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
header,main{max-width:1280px;margin:0 auto;padding:0 28px}
header{padding-top:20px}main{padding-bottom:56px}
h1,h2,h3,p,ul,dl,dd,figure{margin:0}
h1{font-size:24px;line-height:1.25;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:17px;line-height:1.3;margin-bottom:10px;overflow-wrap:anywhere}
h3{font-size:15px;margin:18px 0 8px;overflow-wrap:anywhere}
h2+h3{margin-top:0}
.brand{display:flex;align-items:center;gap:7px;font-weight:650;font-size:13px;color:var(--muted);letter-spacing:.02em;margin-bottom:6px}
header dl{display:flex;flex-wrap:wrap;gap:2px 22px;margin:6px 0 16px;font-size:13.5px}
header dl div{display:flex;gap:6px;min-width:0}dt{color:var(--muted)}dd{overflow-wrap:anywhere}
.muted,.ci{color:var(--muted);font-weight:400}.small,.ci{font-size:13px}.ci,.nowrap,.value,td.n{white-space:nowrap}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.92em;overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:4px}
.card,.verdict,.banner{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 22px;margin-top:18px;min-width:0}
.verdict{display:grid;grid-template-columns:auto 1fr;gap:6px 26px;align-items:start;margin-top:0;border-left-width:6px}
.verdict.fail{--tone:var(--fail);--tone-soft:var(--fail-soft)}.verdict.pass{--tone:var(--pass);--tone-soft:var(--pass-soft)}
.verdict.inconclusive{--tone:var(--open);--tone-soft:var(--open-soft)}.verdict.none{--tone:var(--muted);--tone-soft:var(--none-soft)}
.verdict{border-left-color:var(--tone)}
.why{align-self:center}
.badge{background:var(--tone-soft);color:var(--tone);font-size:26px;font-weight:750;line-height:1.2;letter-spacing:.02em;padding:12px 20px;border-radius:10px;white-space:nowrap}
.verdict h2{font-size:22px;margin-bottom:4px;letter-spacing:-.01em}
.change{font-size:16.5px;margin-bottom:12px}
.rules{list-style:none;padding:0;display:grid;gap:8px}
.rule{display:grid;grid-template-columns:22px 1fr;gap:8px;overflow-wrap:anywhere}
.rule code{font-weight:650;background:var(--soft);padding:1px 6px;border-radius:5px}
.sign{width:22px;height:22px;border-radius:50%;display:grid;place-items:center;font-size:13px;font-weight:700;line-height:1;background:var(--none-soft);color:var(--muted)}
.rule.fail .sign{background:var(--fail-soft);color:var(--fail)}.rule.pass .sign{background:var(--pass-soft);color:var(--pass)}
.rule.inconclusive .sign,.rule.warning .sign,.rule.waived .sign{background:var(--open-soft);color:var(--open)}
details{margin-top:12px}summary{cursor:pointer;color:var(--muted);font-size:14px;width:fit-content;border-radius:4px}summary:hover{color:var(--ink)}
details>.rules,details>.scroll,details>details{margin-top:10px}
.banner{border-color:var(--open);background:var(--open-soft);margin:0 0 18px;padding:14px 20px}
.banner h2{color:var(--open);margin-bottom:2px;font-size:16px}.banner ul{padding-left:20px;overflow-wrap:anywhere}
.overview{display:grid;grid-template-columns:minmax(0,1fr);gap:0 18px}
@media (min-width:1000px){.overview{grid-template-columns:minmax(0,11fr) minmax(0,10fr)}}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);font-size:13px;padding-bottom:8px}
th,td{text-align:left;padding:8px 12px;border-top:1px solid var(--line);vertical-align:middle;font-weight:400}
thead th{border-top:0;color:var(--muted);font-size:13px;font-weight:600;vertical-align:bottom;white-space:nowrap}
tbody th{font-weight:600}th[rowspan]{vertical-align:top}.n{text-align:right}
th:first-child,td:first-child{padding-left:2px}th:last-child,td:last-child{padding-right:2px}
tbody tr:hover{background:color-mix(in srgb,var(--muted) 8%,transparent)}tr.key>*{font-weight:650}tr.partial .value{color:var(--open)}
tfoot>tr>*{border-top:2px solid var(--line);font-weight:650}
thead th[aria-sort=ascending] button::after{content:" ↑"}thead th[aria-sort=descending] button::after{content:" ↓"}
thead button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit;white-space:inherit}thead button:hover{color:var(--ink);text-decoration:underline}
.scroll{overflow-x:auto;background:linear-gradient(90deg,var(--card) 50%,transparent) 0 0/36px 100% no-repeat local,linear-gradient(270deg,var(--card) 50%,transparent) 100% 0/36px 100% no-repeat local,linear-gradient(90deg,var(--line),transparent) 0 0/14px 100% no-repeat scroll,linear-gradient(270deg,var(--line),transparent) 100% 0/14px 100% no-repeat scroll}
.scroll caption>span{display:block;position:sticky;left:0;max-width:min(900px,calc(100vw - 60px))}
.notes{font-size:13px;color:var(--muted);max-width:280px}.notes summary{white-space:nowrap;font-size:13px}.notes details{margin:0}
.filter{display:block;font-size:13px;color:var(--muted);margin-bottom:10px}.filter[hidden]{display:none}
.filter input{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:7px;padding:5px 10px;margin-left:6px;max-width:100%}
.versions th,.versions td{vertical-align:top;padding-top:12px;padding-bottom:14px}.versions thead th{white-space:normal;padding-bottom:8px;padding-top:0}
.versions tbody th{font-size:16px;line-height:1.3;overflow-wrap:anywhere;min-width:64px}.versions tbody td{width:37%}.versions tbody tr:hover{background:none}
.swatch{display:inline-block;background:var(--series);width:11px;height:11px;border-radius:3px;margin-right:8px}
.big{font-size:25px;font-weight:700;line-height:1.15;letter-spacing:-.01em;white-space:nowrap}
.chip{display:inline-block;font-size:13px;font-weight:650;padding:1px 8px;border-radius:20px;white-space:nowrap;vertical-align:3px;background:var(--none-soft);color:var(--muted)}
.chip.trust-void{background:var(--fail-soft);color:var(--fail)}.chip.trust-high{background:var(--pass-soft);color:var(--pass)}.chip.trust-medium,.chip.trust-low{background:var(--open-soft);color:var(--open)}
.chip.worse{background:var(--fail-soft);color:var(--fail)}.chip.better{background:var(--pass-soft);color:var(--pass)}
.value.worse{color:var(--fail)}.value.better{color:var(--pass)}.value{font-weight:650}
.bar{display:block;position:relative;height:8px;margin-top:5px;min-width:90px;border-radius:4px;background:var(--none-soft)}
.bar i{position:absolute;top:0;height:8px;border-radius:4px;background:var(--series,var(--muted));opacity:.42}
.bar b{position:absolute;top:-1px;width:3px;height:10px;margin-left:-1.5px;border-radius:2px;background:var(--series,var(--muted))}
.bar.diff::before{content:"";position:absolute;left:50%;top:-2px;height:12px;border-left:1px solid var(--muted)}
.bar.diff i,.bar.diff b{background:var(--muted)}.bar.worse i,.bar.worse b{background:var(--fail)}.bar.better i,.bar.better b{background:var(--pass)}
.measure{display:flex;align-items:center;justify-content:flex-end;gap:10px}.measure .bar{flex:0 1 130px;margin:0}.measure .ci{min-width:92px}
.under{display:flex;flex-wrap:wrap;gap:0 8px}.under>:first-child{min-width:120px}.ci.block{display:block;margin-top:1px}
.compact thead th{white-space:normal;vertical-align:bottom}.compact .measure{display:block}.compact .measure .ci{display:block}.compact .measure .bar{min-width:0;margin-bottom:5px}
.flow{border-top:1px solid var(--line);padding-top:14px;margin-top:2px}.flow h3{margin:0 0 8px;font-size:14px}.stack{display:flex;gap:2px;height:16px;border-radius:5px;overflow:hidden}.stack i{min-width:2px}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:2px 18px;margin-top:8px;font-size:14px}.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
.held{background:var(--muted)}.broken{background:var(--fail)}.fixed{background:var(--pass)}.lost{background:var(--line)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:22px}.charts>.chart+.chart{margin-top:0}.chart+.chart{margin-top:22px}.chart figcaption{font-size:14px;font-weight:600;margin-bottom:4px}.chart svg{display:block;max-width:100%;height:auto}
.narrow{display:none}@media (max-width:640px){.narrow{display:block}.wide{display:none}}
.tiles{list-style:none;padding:0;display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr))}
.tile{border:1px solid var(--line);border-radius:10px;padding:12px;display:grid;gap:8px;align-content:start;min-width:0}
.classes{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap;overflow-wrap:anywhere}.classes small{color:var(--muted)}.wrong{color:var(--fail)}.arrow{color:var(--muted)}
.triple{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:8px}.triple figcaption{font-size:12px;color:var(--muted);text-align:center;margin-top:2px}
.triple img{display:block;width:100%;height:auto;border-radius:5px;border:1px solid var(--line)}.pixelated{image-rendering:pixelated}
.strip{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:8px}.strip figure{display:grid;gap:4px}.strip img{display:block;width:100%;height:auto;border-radius:5px;border:1px solid var(--line)}.strip figcaption{font-size:12px;color:var(--muted);text-align:center}
.features{font-size:13px}.features th,.features td{padding:3px 6px}.features thead th{font-size:12px}
.delta{display:block;position:relative;height:10px;min-width:70px;background:linear-gradient(var(--muted),var(--muted)) 50%/1px 100% no-repeat}.delta i{position:absolute;top:1px;height:8px;border-radius:2px;background:var(--series-2)}.delta .down{background:var(--series-1)}
.manifest{font-size:13px}.manifest th,.manifest td{padding:4px 12px 4px 2px}pre{background:var(--soft);border-radius:8px;padding:14px;overflow-x:auto;font-size:12.5px}
@media (max-width:640px){header,main{padding-left:14px;padding-right:14px}h1{font-size:20px}.card,.verdict,.banner{padding:15px 14px}
.verdict{grid-template-columns:minmax(0,1fr)}.why{align-self:center}
.badge{justify-self:start;font-size:21px;padding:7px 14px}.verdict h2{font-size:19px}.change{font-size:15px}
.versions th,.versions td{padding-left:6px;padding-right:6px}.versions tbody th{font-size:14px;min-width:44px}.big{font-size:20px;display:block}.versions .bar{min-width:0}.swatch{display:block;margin-bottom:4px}header dl{gap:1px 16px}
.scroll table{font-size:13.5px}.scroll th,.scroll td{padding:7px 6px}.measure{display:block}.measure .bar{display:none}.measure .ci{display:block;font-size:12px}.under>:first-child{min-width:0}.scroll thead th{white-space:normal}}
@media print{body{background:#fff}.card,.verdict{break-inside:avoid}.filter{display:none}}
`
