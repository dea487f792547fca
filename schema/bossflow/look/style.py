"""How pages look: on paper, on a phone, by day and by night."""

CSS = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #57606a; --line: #d0d7de;
  --box: #f6f8fa; --mark: #0b57d0; --good: #116329; --bad: #a40e26; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --soft: #a3adb8; --line: #3d444d; --box: #161b22;
    --mark: #79b8ff; --good: #56d364; --bad: #ff938a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3, h4 { line-height: 1.25; margin: 1.5em 0 .5em; }
h1 { margin-top: 0; }
h2 { border-bottom: 1px solid var(--line); padding-bottom: .25em; }
a { color: var(--mark); }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
.soft, figcaption, caption { color: var(--soft); }
.complete { color: var(--good); font-weight: 600; }
.failed, .missing { color: var(--bad); font-weight: 600; }
.wide { overflow-x: auto; margin: 1em 0; }
table { border-collapse: collapse; font-size: .9375rem; }
caption { text-align: left; padding: .25em 0; }
th, td { text-align: left; vertical-align: top; padding: .25em .75em .25em 0;
  border-bottom: 1px solid var(--line); overflow-wrap: normal; }
td { min-width: 4em; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: 0 1rem 1rem;
  margin: 1rem 0; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: 0; }
.pictures figure { flex: 1 1 15rem; max-width: min(100%, 24rem); }
.objects figure { flex: 0 1 10.5rem; }
figure img { max-width: 100%; height: auto; display: block; background: #000; }
figcaption { font-size: .875rem; }
svg { max-width: 100%; height: auto; display: block; fill: currentColor; }
svg .bar { fill: var(--mark); }
svg .axis { stroke: var(--soft); }
.wide svg { max-width: none; }
svg .edge { stroke: var(--soft); fill: none; }
svg .node { fill: var(--box); stroke: var(--soft); }
svg .end { stroke: var(--mark); stroke-width: 2; }
svg .dot { fill: var(--mark); fill-opacity: .7; stroke: var(--paper); }
svg .best { fill: var(--good); fill-opacity: 1; }
pre { background: var(--box); border: 1px solid var(--line); padding: .75em; overflow-x: auto;
  font-size: .875rem; }
code { font-size: .9375em; }
details { margin: .5em 0; }
summary { cursor: pointer; }
@media print {
  :root { --ink: #000; --paper: #fff; --soft: #444; --line: #bbb; --box: #fff; --mark: #003a9b;
    --good: #000; --bad: #000; }
  body { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  pre { white-space: pre-wrap; overflow: visible; }
  .wide { overflow: visible; }
  .wide svg { max-width: 100%; }
  .skip { display: none; }
  figure, tr { break-inside: avoid; }
  * { print-color-adjust: exact; }
}
"""
