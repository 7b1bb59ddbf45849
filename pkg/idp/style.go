package idp

// style is the look of all pages. It loads nothing: the pages may not.
const style = `
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5b6776; --line: #d9dfe7; --paper: #fff; --ground: #eef1f5; --accent: #0b5cad; --on-accent: #fff; --tint: #e7f0fa; --warn: #8a4b00; --warn-tint: #fff3df; --bad: #a3171f; --bad-tint: #fdeaea; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7ebf0; --soft: #9eaab9; --line: #38424f; --paper: #1c232c; --ground: #11161c; --accent: #7ab6f5; --on-accent: #0c1620; --tint: #223448; --warn: #f2c07a; --warn-tint: #3a2c16; --bad: #ff9a9f; --bad-tint: #401c1f; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { width: 100%; max-width: 30rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 1rem; box-shadow: 0 1rem 3rem rgb(0 0 0 / .08); overflow-wrap: anywhere; }
header p { margin: .5rem 0 0; color: var(--soft); }
header .badge { display: inline-block; margin: 0 0 .75rem; padding: .1rem .7rem; border-radius: 1rem; background: var(--warn-tint); color: var(--warn); font-size: .8rem; font-weight: 600; letter-spacing: .04em; text-transform: uppercase; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; }
code { padding: .1em .35em; border-radius: .3em; background: var(--ground); font: .875em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
a { color: var(--accent); }
form { margin: 1.25rem 0 0; }
button, input { font: inherit; color: inherit; }
button { cursor: pointer; border-radius: .6rem; border: 1px solid var(--line); background: none; padding: .6rem 1rem; }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.people { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem; }
.people button { width: 100%; display: flex; align-items: center; gap: .9rem; padding: .75rem 1rem; text-align: left; }
.people button:hover { border-color: var(--accent); background: var(--tint); }
.avatar { flex: none; width: 2.5rem; height: 2.5rem; display: grid; place-items: center; border-radius: 50%; background: var(--accent); color: var(--on-accent); font-weight: 600; }
.who { flex: 1; min-width: 0; display: grid; }
.name { font-weight: 600; }
.mail { color: var(--soft); font-size: .875rem; }
.groups { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: .3rem; max-width: 45%; }
.chip { padding: .05rem .55rem; border-radius: 1rem; background: var(--tint); font-size: .75rem; }
.chip.none { background: none; color: var(--soft); }
.chip.now { background: var(--accent); color: var(--on-accent); }
.password { display: grid; gap: .75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
label { display: grid; gap: .25rem; font-size: .875rem; font-weight: 600; }
input { width: 100%; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--paper); font-weight: 400; font-size: 1rem; }
button.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); font-weight: 600; }
button.quiet { width: 100%; border-color: transparent; color: var(--soft); }
button.quiet:hover { color: var(--ink); }
.alert { margin: 1.25rem 0 0; padding: .6rem .9rem; border-radius: .6rem; background: var(--bad-tint); color: var(--bad); }
dl { margin: 1.25rem 0 0; display: grid; gap: .15rem; }
dt { margin-top: .5rem; color: var(--soft); font-size: .875rem; }
dd { margin: 0; }
dl.error { padding: .9rem 1rem; border-radius: .6rem; background: var(--bad-tint); }
dl.error dt { margin: 0; color: var(--bad); font: 600 .9rem ui-monospace, Menlo, Consolas, monospace; }
footer { margin-top: 1.75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
`
