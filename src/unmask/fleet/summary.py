"""Summary of a scan from its tables: numbers, verdicts, review queue, failures and speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import UsageError, printable
from unmask.fleet import query
from unmask.fleet.tables import Row

QUEUE = 50
"""Most entries of the queue in a summary; the tables have all."""

PERIODS = 36
"""Most periods over which verdicts are shown, the latest ones.

They are days if these are enough for all, else months, else years.
"""

VIEWS = """
CREATE TEMP VIEW latest AS SELECT DISTINCT ON (path) * FROM files ORDER BY path, seen DESC;
CREATE TEMP VIEW copies AS
  SELECT sha256, count(*) AS files, min(path) AS path, min(written) AS written FROM latest \
WHERE sha256 IS NOT NULL GROUP BY ALL;
CREATE TEMP TABLE newest AS SELECT configuration FROM results ORDER BY checked DESC LIMIT 1;
CREATE TEMP VIEW judged AS
  SELECT r.*, c.files, c.path, c.written, coalesce(g.group, r.sha256) AS flood
  FROM results r JOIN copies c USING (sha256) LEFT JOIN groups g USING (sha256)
  WHERE r.configuration IN (SELECT configuration FROM newest);
"""
"""SQL views of the tables.

``judged`` has one row per content that the source still holds, under the configuration that judged
last. ``flood`` names the group of near-duplicates, or the content itself where it is alone.
"""

SCOPE = """
SELECT count(*) AS contents, coalesce(sum(files), 0) AS files, \
coalesce(sum(size_bytes), 0) AS bytes,
  coalesce(sum(duration), 0) AS seconds, count(*) FILTER (kind = 'photo') AS photos, \
count(*) FILTER (kind = 'video') AS videos,
  coalesce(sum(people), 0) AS people, min(checked) AS first, max(checked) AS last,
  (SELECT count(*) FROM latest WHERE problem IS NOT NULL) AS unread,
  (SELECT count(*) FROM copies WHERE sha256 NOT IN (SELECT sha256 FROM judged)) AS waiting,
  (SELECT any_value(configuration) FROM newest) AS configuration
FROM judged
"""

OUTCOMES = (
    "SELECT outcome, count(*) AS contents, sum(files) AS files FROM judged "
    "GROUP BY ALL ORDER BY contents DESC, outcome"
)

PERIOD = """
SELECT strftime(date_trunc($unit, written), $pattern) AS period, \
coalesce(outcome, 'not judged') AS outcome,
  sum(files)::BIGINT AS files
FROM judged GROUP BY ALL ORDER BY period
"""

QUEUED = """
SELECT count(DISTINCT outcome) \
FILTER (outcome IN ('changed', 'licensed change', 'no change found')) > 1 AS disagree,
  count(*) AS contents, sum(files)::BIGINT AS files, max(log10_lr) AS log10_lr, \
min(written) AS written,
  list_sort(list(DISTINCT outcome) FILTER (outcome IS NOT NULL)) AS outcomes,
  arg_min(path, (-coalesce(log10_lr, -99), path)) AS path, \
arg_min(sha256, (-coalesce(log10_lr, -99), path)) AS sha256
FROM judged GROUP BY flood HAVING disagree OR bool_or(outcome = 'changed')
ORDER BY disagree DESC, log10_lr DESC NULLS LAST, files DESC, path
"""

FAILURES = """
SELECT error_code AS code, any_value(error ORDER BY path) AS reason, count(*) AS contents,
  sum(files)::BIGINT AS files, min(path) AS path
FROM judged WHERE error_code IS NOT NULL GROUP BY code
UNION ALL SELECT 'unreadable', any_value(problem ORDER BY path), NULL, count(*), min(path) \
FROM latest WHERE problem IS NOT NULL
HAVING count(*) > 0 ORDER BY files DESC, code
"""

FLOODS = """
SELECT count(*) AS contents, sum(files)::BIGINT AS files, min(path) AS path,
  list_sort(list(DISTINCT coalesce(outcome, 'not judged'))) AS outcomes
FROM judged GROUP BY flood HAVING sum(files) > 1 ORDER BY files DESC, path LIMIT 20
"""

SPEED = """
SELECT day, count(*) AS contents, coalesce(sum(duration), 0) AS video,
  coalesce(sum(seconds), 0) AS work, count(DISTINCT date_trunc('minute', checked)) AS minutes
FROM judged GROUP BY ALL ORDER BY day
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a scan, under the configuration that judged last.

    Attributes:
        scope: counts of contents, files, people; bytes, seconds of video; times; files not read,
            contents that wait.
        outcomes: contents and files by outcome.
        periods: files by outcome, by the period in which they were written.
        queue: entries to look at first: near-duplicates that disagree, then the strongest evidence
            of a change; a flood is one entry.
        queued: number of entries in the whole queue.
        failures: contents and files by the reason why they could not be judged or read, with an
            example.
        floods: contents with most files, near-duplicates counted together.
        speed: by day.
    """

    scope: Row
    outcomes: list[Row]
    periods: Mapping[str, Mapping[str, int]]
    queue: list[Row]
    queued: int
    failures: list[Row]
    floods: list[Row]
    speed: list[Row]


def summary(folder: Path) -> Summary:
    """Summarises the tables in a folder.

    Raises:
        UsageError: there are none.
    """
    if not (folder / "files").is_dir() and not (folder / "results").is_dir():
        raise UsageError(
            f"{printable(str(folder))}: no scan has written there; `unmask fleet scan SOURCE "
            f"--out DIR` does"
        )
    with query.open_results(folder) as tables:
        tables.run(VIEWS)
        queue = tables.rows(QUEUED)
        return Summary(
            scope=tables.row(SCOPE),
            outcomes=tables.rows(OUTCOMES),
            periods=_periods(tables),
            queue=queue[:QUEUE],
            queued=len(queue),
            failures=tables.rows(FAILURES),
            floods=tables.rows(FLOODS),
            speed=tables.rows(SPEED),
        )


def _periods(tables: query.ResultQuery) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for unit, pattern in (("day", "%Y-%m-%d"), ("month", "%Y-%m"), ("year", "%Y")):
        found = {}
        for row in tables.rows(PERIOD, unit=unit, pattern=pattern):
            found.setdefault(row["period"], {})[row["outcome"]] = row["files"]
        if len(found) <= PERIODS:
            break
    return dict(list(found.items())[-PERIODS:])
