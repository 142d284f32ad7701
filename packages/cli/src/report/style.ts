import { CHART_COLOURS } from "@aif/core";

const colours = (paper: "light" | "dark"): string =>
  CHART_COLOURS.map(({ name, [paper]: colour }) => `--${name}:${colour}`).join(";");

/** The report's style sheet: one column of text, light or dark as the reader's system is, black on white in print. */
export const STYLE = `
:root{${colours("light")};color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{${colours("dark")}}}
@media print{:root{${colours("light")}}}
*{box-sizing:border-box}
html{background:var(--paper);color:var(--ink)}
body{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;margin:0 auto;max-width:46rem;padding:1.5rem 1rem 4rem;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0 .3rem}
h2{font-size:1.25rem;margin:2.6rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--frame)}
h3{font-size:1.02rem;margin:1.6rem 0 .4rem}
p{margin:.5rem 0}
.lead{font-size:1.08rem}
.whole{white-space:nowrap}
.faint,figcaption,summary small{color:var(--faint);font-size:.9rem}
.badge{display:inline-block;border:1px solid var(--frame);border-radius:1rem;padding:.05rem .7rem;font-size:.85rem;margin-right:.4rem}
a{color:var(--blue)}
nav{font-size:.92rem;margin:1rem 0}
nav a{margin-right:1rem}
figure{margin:1.2rem 0 .4rem}
figure svg{display:block;max-width:100%;height:auto}
.narrow{display:none}
@media (max-width:560px){.wide{display:none}.narrow{display:block}}
.scroll{overflow-x:auto}
@media screen{figure svg.fixed{max-width:none}}
table{border-collapse:collapse;overflow-wrap:normal;font-size:.86rem;font-variant-numeric:tabular-nums;min-width:100%}
th,td{padding:.28rem .55rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:7rem}
thead th{vertical-align:bottom;border-bottom:2px solid var(--frame);white-space:normal}
thead button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
thead button::after{content:"\\00a0\\2195";color:var(--faint)}
th[aria-sort=ascending] button::after{content:"\\00a0\\2191"}
th[aria-sort=descending] button::after{content:"\\00a0\\2193"}
tr.rough td{color:var(--faint)}
details{margin:.5rem 0}
summary{cursor:pointer}
pre{background:var(--shade);padding:.8rem;overflow-x:auto;font-size:.82rem;line-height:1.4;border-radius:.3rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
.flag{border-left:4px solid var(--frame);padding:.1rem 0 .1rem .8rem;margin:.9rem 0}
.flag.warning{border-color:var(--orange)}
.flag.error{border-color:var(--vermillion)}
.act{font:inherit;font-size:.85rem;color:var(--ink);background:var(--shade);border:1px solid var(--frame);border-radius:.3rem;padding:.15rem .6rem;cursor:pointer;margin:.2rem .4rem .2rem 0}
.act:hover{border-color:var(--ink)}
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
#tip{position:fixed;display:none;z-index:9;max-width:18rem;background:var(--ink);color:var(--paper);font-size:.82rem;line-height:1.35;padding:.3rem .55rem;border-radius:.3rem;pointer-events:none}
svg [role=graphics-symbol]{outline-offset:3px}
@media print{body{max-width:none;font-size:11pt}.act,nav,#tip{display:none!important}thead button::after{content:""!important}figure,.flag,tr{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible}table{font-size:8pt}th,td{padding:.15rem .3rem}}
`.trim();
