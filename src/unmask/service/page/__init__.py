"""The page: what people see of the service in a browser. Rendered here, in English and Chinese,
without any third-party script.

routes.py      which address shows what; `checks`, `cases`, `administration`, `signing_in`, `live`:
a file per part rendering.py   templates to responses, under a strict content security policy
language.py    every word, from `languages/*.json` answer.py      a result document as the page
shows it; `strips.py`: its timelines static/        one style sheet, one icon, and ES modules that
run as they stand: no build step
"""
