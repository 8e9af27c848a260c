"""The web page of the service, rendered in English and Chinese without third-party scripts.

    routes.py      addresses; one file per part: `checks`, `cases`, `administration`, `licences`,
                   `live`, `retention`, `signing_in`, `webhooks`
    rendering.py   templates to responses, under a strict content security policy
    answer.py      a result document as the page shows it; `strips.py`: its timelines
    static/        one style sheet, one icon, and ES modules that run without a build step

`unmask.words` has the texts.
"""
