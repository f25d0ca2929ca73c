"""The management console: pages for people, a REST API and metrics, over the same functions as the command line.

A router registers by its module's name in `app.ROUTERS`; a change (anything but GET) has the dependency
`guard.own_form`, and its form the hidden field `form_token`. A route gets what all share by `Depends(desk_of)`: threads
with the database (`desk.call`, `desk.slow.call`), configuration, news. It raises `ClaraError`s as the core does;
`app.STATUSES` turns them into answers. What must stay up to date is a `<div id=… data-live="job:ID" data-part="NAME">`
around `{% include "parts/NAME.html" %}`: the page asks for that part again when its topic has news (`static/live.js`).

How it is put together: docs/architecture.md, "The console". A topic is one module with a FastAPI `router`; `app.py`
lists them in `ROUTERS`. Pages are Jinja templates (`templates/`), shown by `pages.page`; small JavaScript modules in
`static/` add what HTML cannot do. Nothing is fetched from elsewhere, and nothing inline is allowed by the policy of
`guard.py`: no `<script>` or `style=` in a page, no `on…=`; scripts and styles are files of `static/`.
"""
