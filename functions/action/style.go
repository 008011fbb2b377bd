package main

// style is all that pages look like. Its hash stands in the content security
// policy, so that a page can carry no other. Big targets, high contrast, dark
// where the reader's device is: it is read at three in the morning.
const style = `
:root{color-scheme:light dark;--back:#f4f5f7;--card:#fff;--ink:#16191d;--soft:#59626d;--line:#d9dee4;--go:#0b5fd6;--goink:#fff;
--p1:#c3141c;--p2:#b25000;--p3:#7a6200;--p4:#4a5664;--ok:#0d6b3a;--okback:#e3f5ea;--warn:#8a4b00;--warnback:#fff1d9;--bad:#b3121a;--badback:#fdeaea}
@media (prefers-color-scheme:dark){:root{--back:#0e1013;--card:#181b20;--ink:#e9ecf0;--soft:#9ba5b1;--line:#2d333b;--go:#3b82f0;--goink:#fff;
--p1:#e5484d;--p2:#e07b1a;--p3:#bfa021;--p4:#7c8894;--ok:#6fd69a;--okback:#12291c;--warn:#f2b661;--warnback:#2c2111;--bad:#ff8f8f;--badback:#331619}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--back);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
main{max-width:42rem;margin:0 auto;padding:1rem 1rem 3rem}
h1{font-size:1.4rem;line-height:1.3;margin:.6rem 0 .3rem}
h1.long{font-size:1.1rem}
h2{font-size:1rem;margin:0 0 .5rem}
p{margin:.35rem 0}
.top{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem}
.top .id{margin-left:auto;color:var(--soft);font-variant-numeric:tabular-nums}
.chip{border-radius:.4rem;padding:.1rem .55rem;font-weight:700;border:1px solid var(--line)}
.P1,.P2,.P3,.P4{color:#fff;border-color:transparent}
.P1{background:var(--p1)}.P2{background:var(--p2)}.P3{background:var(--p3)}.P4{background:var(--p4)}
@media (prefers-color-scheme:dark){.P2,.P3,.P4{color:#101214}}
.soft,.hint{color:var(--soft)}
.hint{font-size:.875rem;margin:.15rem 0 .4rem}
.note{border-radius:.7rem;padding:.75rem 1rem;margin:0 0 1rem;background:var(--warnback);color:var(--warn)}
.note.ok{background:var(--okback);color:var(--ok)}
.note.bad{background:var(--badback);color:var(--bad)}
.note p{margin:.1rem 0}.note p:first-child{font-weight:700}
.next{border-left:.25rem solid var(--go);padding:.1rem 0 .1rem .75rem;margin:.75rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:1rem;margin:1rem 0}
form{margin:0}
button{font:inherit;font-weight:600;width:100%;min-height:3.25rem;padding:.5rem .75rem;border-radius:.7rem;border:1px solid var(--line);background:var(--card);color:var(--ink);cursor:pointer;touch-action:manipulation}
button.main{min-height:5rem;font-size:1.35rem;background:var(--go);border-color:var(--go);color:var(--goink)}
button.go{background:var(--go);border-color:var(--go);color:var(--goink)}
button:active{transform:translateY(1px)}
:focus-visible{outline:.2rem solid var(--go);outline-offset:.15rem}
.acts{margin:1rem 0;display:grid;gap:.6rem}
.two{display:grid;grid-template-columns:1fr 1fr;gap:.6rem}
.three{display:grid;grid-template-columns:1fr 1fr 1.5fr;gap:.6rem}
.two>form,.three>form{display:flex}
.acts>.hint{margin:-.2rem 0 0}
.label{font-weight:600;color:var(--soft);font-size:.875rem;margin:.4rem 0 -.25rem}
details{border-top:1px solid var(--line);padding-top:.25rem;margin-top:.5rem}
summary{min-height:2.75rem;display:flex;align-items:center;font-weight:600;cursor:pointer}
summary::before{content:"\25B8";display:inline-block;width:1.25rem;color:var(--soft)}
details[open]>summary::before{content:"\25BE"}
summary::-webkit-details-marker{display:none}
details form{margin:0 0 1rem}
dl{display:grid;grid-template-columns:minmax(5.5rem,auto) 1fr;gap:.3rem 1rem;margin:0}
dt{color:var(--soft)}dd{margin:0}
.pre{white-space:pre-wrap}
.links a{display:inline-block;padding:.35rem 0}
a{color:var(--go)}
ul,ol{list-style:none;margin:0;padding:0}
.line li{border-left:2px solid var(--line);padding:0 0 .8rem .9rem;position:relative}
.line li::before{content:"";position:absolute;left:-5px;top:.5rem;width:8px;height:8px;border-radius:50%;background:var(--soft)}
.line .when{color:var(--soft);font-size:.875rem}
code{font:.875rem/1.4 ui-monospace,Menlo,Consolas,monospace}
label{display:block;font-weight:600;margin:.9rem 0 .1rem}
label .soft{font-weight:400}
textarea,input,select{font:inherit;width:100%;padding:.6rem .7rem;border:1px solid var(--line);border-radius:.6rem;background:var(--back);color:var(--ink);min-height:3rem}
textarea{resize:vertical}
.wrong{border:2px solid var(--bad)}
.problem{color:var(--bad);font-weight:600;margin:.2rem 0 0}
.foot{color:var(--soft);font-size:.875rem;margin-top:1.5rem}
.save{margin-top:1rem}
`
