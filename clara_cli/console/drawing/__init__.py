"""Pictures made of plain values: SVG as `markupsafe.Markup`, without styles of its own.

`graph.graph_svg(pipeline, states)` draws operators and links of a `Pipeline`, types on the links; `states` is operator
name → `OperatorStatus` (empty for a definition alone). `timeline.timeline_svg(operators, now)` draws start and end of
`OperatorRecord`s. Colours come from `static/drawing.css` by class: `state-pending`, `state-running`,
`state-completed`, `state-faulted`; the policy of the pages forbids `style=`. An operator's box and its row of the
timeline link to `#operator-<name>`.

A graph is laid out in steps, each a module of pure functions: `layers` (which operators stand side by side), `order`
(few crossings), `places` (straight lines), `layout` (rows, words and bends), `graph` (the drawing).
"""
