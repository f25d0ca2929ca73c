"""Pictures made of plain values: SVG as `markupsafe.Markup`, without styles of its own.

`graph.graph_svg(pipeline, states)` draws operators and links of a `Pipeline`, types on the links; `states` is operator
name → `OperatorStatus` (empty for a definition alone). `timeline.timeline_svg(operators, now)` draws start and end of
`OperatorRecord`s. Colours come from `static/style.css` by class: `state-pending`, `state-running`, `state-completed`,
`state-faulted`; the policy of the pages forbids `style=`. An operator's box links to `#operator-<name>`.
"""
