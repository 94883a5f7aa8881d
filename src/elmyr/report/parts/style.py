"""The look of a page: one style sheet, light and dark, screen and paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --raised: #f3f1eb; --ink: #23221f; --quiet: #6b6860; --hair: #dedad0; --grid: #e9e6de;
  --real: #3d6a94; --generated: #a3541f; --better: #2e6b4a; --worse: #9c3a30; --same: #56617a;
  --serif: Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", ui-serif, Georgia,
    "Songti SC", "Noto Serif CJK SC", "Source Han Serif SC", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
    "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #181816; --raised: #22221f; --ink: #e9e6de; --quiet: #a19d92; --hair: #3a3934; --grid: #2b2a27;
    --real: #86b4df; --generated: #e39a63; --better: #86c7a1; --worse: #e58d82; --same: #aab4cc;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 var(--serif); }
main { width: min(65rem, 100% - 2.5rem); margin: 0 auto; padding: clamp(2rem, 6vw, 4.5rem) 0 5rem; }
h1 { margin: 0; font-size: 1.0625rem; font-weight: 400; font-style: italic; color: var(--quiet); }
:lang(zh) h1 { font-style: normal; }
:lang(zh) :is(h2, .told, .word) { word-break: keep-all; overflow-wrap: anywhere; }
h2 { margin: 0 0 .4rem; font-size: 1.6rem; line-height: 1.25; font-weight: 500; letter-spacing: -.01em; }
h3 { margin: 2.4rem 0 .6rem; font-size: 1.0625rem; font-weight: 600; }
p { max-width: 40rem; margin: .6rem 0; text-wrap: pretty; }
.whole { display: inline-block; max-width: 100%; overflow-wrap: anywhere; }
code, pre { font-family: var(--mono); font-size: .86em; }
section { margin-top: clamp(3.5rem, 8vw, 5.5rem); }
.note { color: var(--quiet); font-size: .94rem; overflow-wrap: anywhere; }
.opening { margin-top: clamp(1.5rem, 4vw, 2.5rem); }
.opening .word {
  margin: 0 0 1.2rem; max-width: none; font-size: clamp(2.7rem, 8vw, 4.75rem); line-height: 1.05;
  letter-spacing: -.025em; text-wrap: balance;
}
.opening .sentence { max-width: 42rem; font-size: clamp(1.2rem, 2.4vw, 1.4rem); line-height: 1.45; }
.opening .difference { margin: 2.6rem 0 0; max-width: 46rem; }
.opening .difference p { margin: 0 0 .2rem; font-family: var(--sans); font-size: .94rem; }
.word.better { color: var(--better); } .word.worse { color: var(--worse); } .word.same { color: var(--same); }

.short.word { margin: .2rem 0 .6rem; font-size: clamp(1.9rem, 5vw, 2.8rem); line-height: 1.1; max-width: none; }
.pairs {
  margin-top: 1.6rem; display: grid; gap: 1rem 1.6rem; grid-template-columns: repeat(auto-fill,
  minmax(min(7.5rem, 45%), 1fr));
}

.classes {
  margin-top: 1.6rem; display: grid; gap: .55rem 2rem; grid-template-columns: auto 1fr 1fr; align-items:
  center;
}
.classes .class {
  max-width: 9rem; padding-right: .4rem; overflow-wrap: anywhere; font-family: var(--sans); font-size:
  .94rem;
}
.side { font-family: var(--sans); font-size: .94rem; color: var(--real); }
.side.generated { color: var(--generated); }
.classes .side:not(.head) { display: none; }
.blocks {
  margin-top: 1.6rem; display: grid; gap: 1.2rem 2.5rem; grid-template-columns: repeat(auto-fit,
  minmax(min(18rem, 100%), 1fr));
}
.small.blocks { grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); }
img { display: block; width: 100%; height: auto; image-rendering: pixelated; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figcaption { margin-bottom: .5rem; font-family: var(--sans); font-size: .94rem; }

.charts {
  margin-top: 1.6rem; display: grid; gap: 2.2rem 2.5rem; grid-template-columns: repeat(auto-fit,
  minmax(min(25rem, 100%), 1fr));
}
.charts .chart { max-width: 34rem; }
figcaption strong { font-weight: 600; margin-right: .8rem; }
.key { margin-right: .9rem; white-space: nowrap; color: var(--quiet); }
.key::before {
  content: ""; display: inline-block; width: 1.1em; height: .18em; margin-right: .4em; vertical-align:
  .25em; background: var(--color); border-radius: 1px;
}
svg {
  display: block; width: 100%; overflow: visible; font: 12px var(--sans); font-variant-numeric:
  tabular-nums;
}
svg:not(.fluid) { height: auto; }
svg.fluid { font-size: 13px; }
svg text { fill: var(--quiet); }
svg .name { fill: var(--ink); font-size: 14px; paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
svg .strong { fill: var(--ink); font-weight: 600; }
svg .middle { text-anchor: middle; } svg .end { text-anchor: end; }
svg .grid { stroke: var(--grid); }
svg .axis { stroke: var(--hair); }
svg .mark { stroke: var(--real); stroke-width: 1.5; stroke-dasharray: 5 4; }
svg .zero { stroke: var(--ink); stroke-width: 1.5; }
.real { --color: var(--real); } .generated { --color: var(--generated); }
.better { --color: var(--better); } .worse { --color: var(--worse); } .same { --color: var(--same); }
svg .line {
  fill: none; stroke: var(--color); stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round;
}
svg .many .line { stroke-width: 1.25; opacity: .7; }
svg .bar { stroke: var(--color); stroke-width: 2.25; stroke-linecap: round; }
svg .dot { fill: var(--color); stroke: var(--paper); stroke-width: 2; }
svg .ring { fill: none; stroke: var(--color); stroke-width: 1.25; opacity: .6; }
svg .dash-1 { stroke-dasharray: 7 4; } svg .dash-2 { stroke-dasharray: 2 4; } svg .dash-3 { stroke-dasharray: 9 3 2 3; }
svg .thin { stroke-width: 1.25; } svg .leader { stroke: var(--hair); }
svg .told { fill: var(--color); font-size: 13px; }
svg .value { fill: var(--color); font-size: 15px; font-weight: 600; }
.handed {
  margin-top: 2.2rem; display: grid; gap: 1.4rem 3rem;
  grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr));
}
.handed > div { border-top: 1px solid var(--hair); padding-top: 1.1rem; min-width: 0; }
.handed h2 { margin: 0 0 .5rem; font-size: 1.2rem; }
.handed .figure { margin: 0; font-size: clamp(2rem, 4vw, 2.6rem); line-height: 1.15; letter-spacing: -.02em; }
.handed p { margin: .3rem 0; } .handed ol { margin: .4rem 0; padding-left: 1.2rem; } .handed li { margin: .5rem 0; }
.verdicts .one { margin-top: 2.4rem; } .verdicts h2 { font-size: 1.2rem; color: var(--quiet); }
.verdicts .word { font-size: clamp(1.7rem, 4vw, 2.3rem); margin-bottom: .4rem; }
.chart.errors { max-width: 46rem; margin-top: 1.6rem; }
.row {
  margin: .8rem 0 1.6rem; display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(4.2rem, 1fr));
}
.fooled.row { gap: 1.4rem; grid-template-columns: repeat(auto-fill, minmax(min(13rem, 45%), 1fr)); }
.changed figcaption { margin: .3rem 0 0; font-size: .84rem; } .changed figcaption strong { display: block; }
svg .disc { fill: var(--color); opacity: .45; }
.map.chart { max-width: 42rem; margin-top: 1.4rem; }
.confusion th, .confusion td { padding: .35rem .5rem; text-align: right; border: 0; }
.confusion tbody th { text-align: left; white-space: nowrap; }
.confusion td { min-width: 2.6rem; color: var(--quiet); }
.confusion thead td { color: var(--quiet); text-align: left; white-space: nowrap; }
.confusion td.right, .confusion td.wrong { color: var(--ink); border-radius: 3px; }
.confusion td.right { background: color-mix(in srgb, var(--better) calc(.45 * var(--share)), transparent); }
.confusion td.wrong { background: color-mix(in srgb, var(--worse) calc(8% + .5 * var(--share)), transparent); }
h4 { margin: 1.8rem 0 .4rem; font-size: 1rem; font-weight: 600; color: var(--quiet); }
ul { max-width: 40rem; margin: .6rem 0; padding-left: 1.2rem; } li { margin: .3rem 0; text-wrap: pretty; }
a { color: inherit; text-underline-offset: .18em; text-decoration-color: var(--quiet); }
.side.written { color: var(--quiet); } .side.cured { color: var(--better); }
.told {
  margin: .4rem 0 0; font: 600 .94rem/1.45 var(--sans); color: var(--color); text-wrap: balance;
}
.overview { width: 100%; table-layout: fixed; }
.overview td { vertical-align: top; } .overview th { width: 28%; vertical-align: top; }
.overview td:last-child, .overview thead th:last-child { padding-right: 0; }
.overview td .side { display: none; } .overview td .told { display: block; }
.overview td img { max-width: 19rem; } .opening:has(.overview) { margin-top: 1rem; }
.opening:has(.overview) .word { font-size: clamp(1.6rem, 4vw, 2.4rem); }
.opening:has(.overview) .sentence { max-width: none; font-size: 1.15rem; }
.course { display: grid; grid-template-columns: auto 1fr; gap: .6rem; max-width: 30rem; }
.rows { display: flex; flex-direction: column; font: .75rem/1 var(--sans); color: var(--quiet); text-align: right; }
.rows span {
  flex: 1; display: flex; align-items: center; justify-content: flex-end; border-top: 2px solid transparent;
}
.rows .called { border-top-color: var(--worse); color: var(--worse); font-weight: 600; }
.strip img { max-width: 40rem; } .figures .strip { width: 12rem; }
.figures th small { max-width: 17rem; overflow-wrap: anywhere; }
.figures tr:has(.strip) > * { vertical-align: top; }
.arms { margin: 1.8rem 0 2.4rem; max-width: 46rem; }

.wide { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font: .94rem/1.45 var(--sans); font-variant-numeric: tabular-nums; }
th, td {
  padding: .5rem 1.6rem .5rem 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid
  var(--hair);
}
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--quiet); font-weight: 400; vertical-align: bottom; }
tbody th { font-weight: 500; }
.figures td:not(.words), .figures thead th:not(.words) { text-align: right; }
.figures td:not(.words) { white-space: nowrap; }
.figures td.words, .figures thead th { word-break: keep-all; overflow-wrap: break-word; }
.figures thead th { max-width: 13rem; } .figures tbody th { min-width: 8rem; }
.facts th { color: var(--quiet); font-weight: 400; } .facts td { overflow-wrap: anywhere; }
small { display: block; color: var(--quiet); font-size: .84rem; font-weight: 400; }
details { margin: 1.6rem 0; }
summary { cursor: pointer; font-weight: 600; width: fit-content; }
pre {
  margin: 1rem 0; padding: .9rem 1.1rem; background: var(--raised); border-radius: 6px; white-space:
  pre-wrap; overflow-wrap: anywhere; line-height: 1.7;
}
:focus-visible { outline: 2px solid var(--real); outline-offset: 3px; border-radius: 3px; }
footer {
  margin-top: 5rem; padding-top: 1.2rem; border-top: 1px solid var(--hair); color: var(--quiet);
  font-size: .94rem;
}

@media (max-width: 42rem) {
  body { font-size: 1rem; }
  .classes { grid-template-columns: 1fr; gap: .35rem; }
  .classes .head { display: none; }
  .classes .side:not(.head) { display: block; font-size: .8rem; }
  .classes .class { max-width: none; margin-top: 1.1rem; font-weight: 600; }
  .chart svg:not(.fluid) { font-size: 16px; }
  .figures th.words:first-child { min-width: 8.5rem; }
  .overview thead { display: none; }
  .overview tr { display: grid; grid-template-columns: 1fr 1fr; gap: .3rem 1rem; padding: .8rem 0; }
  .overview th, .overview td { width: auto; padding: 0; border: 0; } .overview tbody th { grid-column: 1 / -1; }
  .overview td .side { display: block; font-size: .8rem; }
}
@media print {
  :root { --paper: #fff; --raised: #f6f5f2; --ink: #000; --quiet: #555; --hair: #ccc; --grid: #e5e5e5;
    --real: #2f5a84; --generated: #a3521e; --better: #235a3c; --worse: #8a2c23; --same: #444e66; }
  body { font-size: 10.5pt; } main { width: auto; padding: 0; } section { margin-top: 2.2rem; }
  h2, h3, figcaption { break-after: avoid; } tr, .class, img, svg { break-inside: avoid; }
  .wide { overflow: visible; } table { font-size: 9pt; } th, td { padding-right: .8rem; }
  details::details-content { content-visibility: visible; height: auto; }
}
"""
