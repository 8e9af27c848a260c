"""Page of the benchmark on unseen swaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmask_lab.benchmark.unseen.figures import BLURRIER, FEWEST, LR
from unmask_lab.tables import NONE, paragraph, percent, shown, table


def page(result: Mapping[str, Any]) -> str:
    """Renders ``unseen.md`` from the content of ``unseen.json``."""
    networks = result["networks"]
    parts = (
        _told_apart(result, networks),
        _at_lr_10(result),
        _lines(result, networks),
        _tones(result, networks),
    )
    return (
        "\n".join([*_head(result), *(line for part in parts for line in part), *_views(result)])
        + "\n"
    )


def _head(result: Mapping[str, Any]) -> Iterator[str]:
    weights = ", ".join(f"{name} `{sha256[:12]}`" for name, sha256 in result["weights"].items())
    yield "# Swaps never seen\n"
    yield paragraph(
        f"`{result['command']}` (part of `make benchmark`), {result['date']}, weights: {weights}. "
        "Swaps that people made with other software, on people and footage that nothing here was "
        "made from. **These sets only measure**: nothing is trained on them, and no threshold, "
        "calibration or combination is fitted to them; only the part of forgeries that leave no "
        "trace (`missed`) is, to *research*. Every file goes through the whole `unmask check`; "
        "what counts is its largest face, times how often it is seen. In brackets 95 % intervals, "
        "by bootstrap over identities; "
        "where something held for none or all, of a binomial with one trial per identity."
    )
    yield paragraph(SETS.strip())


SETS = """
*celebdf*: one face crop per video of Celeb-DF v2's test part. \
*oneshot*: example pictures of one-shot swappers. *research*:
one frame per video of paid actors, without the changed ones \
that hardly differ from their original. *photos*: press photos and
video frames of two people, so intervals over identities tell \
little. *generated*: the same two, generated as a whole: not
swaps, so they stay out of every other row, and are held against \
*photos*. *deepfacelive*: clips of real-time swapping that show
bona fide and changed side by side, cut in halves without \
loss; of two people, the one who is changed. *ffpp*: clips of
FaceForensics++ c23.
"""


def _told_apart(result: Mapping[str, Any], networks: Sequence[str]) -> Iterator[str]:
    yield "## Told apart\n"
    yield (
        "![AUC per set, with intervals, "
        "beside the dumbest rule and published figures](unseen.png)\n"
    )
    yield paragraph(
        "AUC of each network's raw score, also of faces that the verdict calls too poor, and of "
        f"the LR of all lines together, where there is one. “{BLURRIER}” is the dumbest rule there "
        f"is. No AUC where a class has fewer than {FEWEST} files. A difference under 0.05 on one "
        "set is noise: recipes are chosen by the mean."
    )
    scores = [*networks, LR, BLURRIER]
    titles = [
        "set",
        "method",
        "bona fide / changed",
        "people",
        *(f"AUC: {name}" for name in scores),
    ]
    mean = [
        f"**mean of {len(result['mean']['sets'])} sets**",
        ", ".join(result["mean"]["sets"]),
        "",
        "",
    ]
    rows = [
        [
            *_names(r),
            f"{r['bona_fide']} / {r['changed']}",
            str(r["people"]),
            *_aucs(r, scores),
            *_tprs(r, networks),
        ]
        for r in result["sets"]
    ]
    rows.append([*mean, *_aucs(result["mean"], scores), *[""] * len(networks)])
    yield table([*titles, *(f"TPR: {name}" for name in networks)], rows)
    yield ""


def _aucs(row: Mapping[str, Any], scores: Sequence[str]) -> list[str]:
    return [shown(row["auc"][name]) if name in row["auc"] else NONE for name in scores]


def _tprs(row: Mapping[str, Any], networks: Sequence[str]) -> list[str]:
    found = [percent(row["tpr"][name]) if name in row["tpr"] else NONE for name in networks]
    return [
        text if text == NONE else f"{text} at {100 * row['tpr_at']:.0f} % FPR" for text in found
    ]


def _names(row: Mapping[str, Any]) -> list[str]:
    return [f"**{row['set']}**" if row["whole"] else row["set"], row["method"] or NONE]


def _at_lr_10(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## What the check answers\n"
    yield paragraph(
        "Bona fide and changed apart: files, those in which no face was found, and those whose "
        "face got an LR; the others are too poor to be judged. Rates at an LR of 10 and Cllr "
        "(bits; 0 is perfect, from 1 on the LR is worth nothing) are over those with an LR."
    )
    titles = ["set", "method", "bona fide: all", "no face", "with LR", "called changed at LR 10"]
    titles += ["changed: all", "no face", "with LR", "found at LR 10", "Cllr"]
    rows = (
        [
            *_names(r),
            *_class(r, "bona_fide", "false_alarms"),
            *_class(r, "changed", "found"),
            shown(r["cllr"]),
        ]
        for r in (*result["sets"], result["alarms"])
    )
    yield table(titles, rows)
    yield ""


def _class(row: Mapping[str, Any], name: str, rate: str) -> list[str]:
    return [
        *(str(row[key]) for key in (name, f"{name}_no_face", f"{name}_with_lr")),
        percent(row[rate]),
    ]


def _lines(result: Mapping[str, Any], networks: Sequence[str]) -> Iterator[str]:
    """Shows every other score, on whole sets."""
    names = [name for name in result["mean"]["auc"] if name not in (*networks, LR, BLURRIER)]
    yield "## The other lines, each alone\n"
    yield (
        "AUC of each line's own score, over the files that it could read, and how many these are.\n"
    )
    rows = [
        [
            r["set"],
            *(
                f"{_aucs(r, [line])[0]}, {r['read'][line]}" if r["read"][line] else NONE
                for line in names
            ),
        ]
        for r in result["sets"]
        if r["whole"] and r["changed"]
    ]
    yield table(["set", *names], rows)
    yield ""


def _tones(result: Mapping[str, Any], networks: Sequence[str]) -> Iterator[str]:
    yield "## By skin tone\n"
    yield paragraph(
        "Thirds of each set by the tone of the cheeks as the picture shows them (individual "
        "typology angle, Chardon et al. 1991), for changed faces that of their original where it "
        "is known. It mixes the skin with the light: these are groups of pictures."
    )
    titles = ["set", "cheeks", "bona fide / changed", *(f"AUC: {name}" for name in networks)]
    rows = [
        [
            r["set"],
            r["tone"],
            f"{r['bona_fide']} / {r['changed']}",
            *_aucs(r, networks),
            percent(r["false_alarms"]),
            percent(r["found"]),
        ]
        for r in result["tones"]
    ]
    yield table([*titles, "called changed at LR 10", "found at LR 10"], rows)
    yield ""


def _views(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Where the crop lies\n"
    yield paragraph(
        "Stills, each seen in twelve crops: shifted by nothing or 0.15 distances between the eyes "
        "(half a stride of the learned network) across and down, and scaled by 1, 0.94 or 1.06. "
        "*Gain* is the AUC of the mean over the views less that of the crop as it is served."
    )
    rows = []
    for r in result["views"]:
        reach = [f"{r[key]:.3f}" for key in ("lowest", "highest")]
        counts = f"{r['bona_fide']} / {r['changed']}"
        rows.append(
            [
                r["set"],
                r["network"],
                counts,
                shown(r["served"]),
                *reach,
                shown(r["mean"]),
                shown(r["gain"]),
            ]
        )
    titles = [
        "set",
        "network",
        "bona fide / changed",
        "AUC as served",
        "lowest view",
        "highest view",
        "mean of the views",
    ]
    yield table([*titles, "gain"], rows)
